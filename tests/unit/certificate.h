#ifndef TESTS_CERTIFICATE_H
#define TESTS_CERTIFICATE_H

/*
 * A certificate for "localhost" and its key, new for each test, in files of a folder of their own.
 */

#define CERTIFICATE_PATH 64

struct certificate {
	char folder[CERTIFICATE_PATH];
	char cert[CERTIFICATE_PATH], key[CERTIFICATE_PATH];
};

/* passphrase: that the key in the file is encrypted with, or NULL. */
void certificate_new(struct certificate *c, const char *passphrase);
void certificate_free(struct certificate *c);

#endif
