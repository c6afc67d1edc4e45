#!/bin/sh
# Puts a line on top of the files that are named: header.sh <line> <file>...
set -eu
line=$1
shift
for file in "$@"; do
  { echo "// $line"; cat "$file"; } > "$file.new"
  mv "$file.new" "$file"
done
