#!/bin/sh
# The tests of this repository: every module still exports something.
for file in src/*.js; do
  grep -q 'module.exports' "$file" || { echo "$file exports nothing"; exit 1; }
done
