/*
 * Gives each file named on the command line to the fuzz target: so the corpus is a test wherever
 * there is no fuzzer.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
	static uint8_t input[INPUT_MAX];
	int i;

	for (i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t n;

		if (!f)
			err(1, "%s", argv[i]);
		n = fread(input, 1, sizeof input, f);
		fclose(f);
		LLVMFuzzerTestOneInput(input, n);
	}
	printf("%d inputs\n", argc - 1);
	return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
