#include "conf_scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

const char *
conf_scratch_str(const struct buf *b)
{
	static char text[4096];

	assert_true(b->len < sizeof text);
	snprintf(text, sizeof text, "%.*s", (int)b->len, b->data ? b->data : "");
	return text;
}

const char *
conf_scratch_path(void)
{
	static char path[64];

	snprintf(path, sizeof path, "/tmp/test_conf.%ld.ini", (long)getpid());
	return path;
}

void
conf_scratch_write(struct str text)
{
	FILE *f = fopen(conf_scratch_path(), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
}

struct buf
conf_scratch_expand(const char *problems)
{
	struct buf b = { 0 };

	for (const char *p = problems; *p != '\0'; p++)
		if (*p == 'F' && (p == problems || p[-1] == '\n'))
			buf_add_str(&b, str_of(conf_scratch_path()));
		else
			buf_add_char(&b, *p);
	buf_add_char(&b, '\0');
	return b;
}
