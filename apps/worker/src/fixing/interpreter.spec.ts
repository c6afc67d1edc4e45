import { readInterpreter } from './interpreter.ts';

describe('the first line of a script', () => {
  it.each([
    ['echo', null, []],
    ['', null, []],
    [' #!/bin/sh', null, []],
    ['#!/bin/sh\necho', ['/bin/sh'], ['/bin/sh']],
    ['#!/bin/sh', ['/bin/sh'], ['/bin/sh']],
    ['#! \t/bin/bash -eu -x \nx', ['/bin/bash', '-eu -x'], ['/bin/bash']],
    ['#!/usr/bin/env node\n', ['/usr/bin/env', 'node'], ['/usr/bin/env', 'node']],
    ['#!/usr/bin/env -S node --test\n', ['/usr/bin/env', '-S node --test'], ['/usr/bin/env', 'node']],
    ['#!/usr/bin/env -SA=b python3', ['/usr/bin/env', '-SA=b python3'], ['/usr/bin/env', 'python3']],
  ])('%j', (script, argv, needs) => {
    const read = readInterpreter(script);
    const { interpreter } = read.status === 'read' ? read : { interpreter: undefined };
    expect(interpreter?.argv ?? null).toEqual(argv);
    expect(interpreter?.needs ?? []).toEqual(needs);
  });

  it.each([
    ['#!/bin/sh\r\necho\r\n', /carriage return/],
    ['#!node\n', /full path/],
    ['#!\n', /full path/],
    ['#!/bin/sh\0x\n', /full path/],
    ['#!\u001b[2Jsh\n', /begins with #!\\u001b\[2Jsh/],
  ])('%j is wrong, and says why', (script, says) => {
    expect(readInterpreter(script)).toEqual({ status: 'wrong', problem: expect.stringMatching(says) });
  });
});
