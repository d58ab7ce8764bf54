/*
 * Owns files with a key and a certificate that it signed itself.
 */
#include "certificate.h"

#ifdef HAVE_TLS

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static X509 *
sign(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(x, name);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

void
certificate_new(struct certificate *c, const char *passphrase)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = sign(key);
	FILE *f;

	strcpy(c->folder, "/tmp/mailsimd-certificate-XXXXXX");
	assert_non_null(mkdtemp(c->folder));
	assert_true(snprintf(c->cert, sizeof c->cert, "%s/cert.pem", c->folder) < CERTIFICATE_PATH);
	assert_true(snprintf(c->key, sizeof c->key, "%s/key.pem", c->folder) < CERTIFICATE_PATH);
	f = fopen(c->cert, "w");
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	f = fopen(c->key, "w");
	assert_int_equal(PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL,
			     (const unsigned char *)passphrase,
			     passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
	    1);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

void
certificate_free(struct certificate *c)
{
	unlink(c->cert);
	unlink(c->key);
	rmdir(c->folder);
}

#endif
