#!/usr/bin/env python3
import sys

print(sum(int(line.split()[1]) for line in sys.stdin))
