#!/bin/bash
# What README.md shows is what happens: see lib_examples.sh. The script of the one block marked sh
# must succeed and print what is shown behind it.
set -u
# shellcheck source=tests/clients/lib_examples.sh
. "$(dirname "$0")/lib_examples.sh"
run_text README.md

sed -n '/^```sh$/,/^```$/p' README.md | sed '/^```/d' > "$dir/script"
expected=$(sed -n '/^It prints$/,/^and exits/s/^    //p' README.md)
got=$(sh "$dir/script" 2>&1) || { echo "FAILED: the script ended with $?"; failed=$((failed + 1)); }
compare "the test of an application" "$expected" "$got"
echo "$passed passed, $failed failed"
exit $failed
