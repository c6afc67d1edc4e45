import type { Chance } from '../sim/core/chance.ts';
import type { Json } from './document.ts';

/** What nobody should send where a word is expected. */
const WORDS: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '../../../etc/passwd',
  '..\\..\\windows',
  '/etc/passwd',
  '~root',
  '%',
  '%00',
  '%2e%2e%2f',
  '\0',
  'on\0ly',
  '\u001b[2J\u001b]0;owned\u0007',
  '\r\nX-Injected: 1',
  '\u202egnp.exe',
  '\ud800',
  'a\udfffb',
  '\ufeff',
  '\u{1f9f5}'.repeat(40),
  'e\u0301'.repeat(60),
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  "' OR 1=1 --",
  '"; DROP TABLE events; --',
  '${7*7}',
  '${{ params }}',
  '{{7*7}}',
  '$(touch /tmp/owned)',
  '`id`',
  '<script>alert(1)</script>',
  '-1',
  '0',
  '00',
  '0x10',
  '1e3',
  '1.5',
  '2147483648',
  '9007199254740993',
  '99999999999999999999999',
  'NaN',
  'Infinity',
  'null',
  'undefined',
  'true',
  '[object Object]',
  's0',
  's-1',
  's1.0',
  's99999999999',
  '*',
  '"*"',
  'W/"1"',
  '"1", "2"',
  '0-0',
  '18446744073709551615-9223372036854775807',
  '18446744073709551616-9223372036854775808',
  '99999999999999999999-9999999999999999999',
];

export function hostileWord(chance: Chance): string {
  const kind = chance.next();
  if (kind < 0.7) return chance.pick(WORDS);
  if (kind < 0.85) return randomText(chance, chance.int(1, 40));
  if (kind < 0.97) return chance.pick(WORDS).repeat(chance.int(2, 30));
  return 'a'.repeat(chance.int(300, 9_000));
}

export function randomText(chance: Chance, length: number): string {
  return Array.from({ length }, () =>
    String.fromCharCode(chance.int(0, chance.bool(0.7) ? 127 : 65_535)),
  ).join('');
}

export function hostileValue(chance: Chance, depth = 0): Json {
  const kind = chance.int(0, depth > 3 ? 5 : 8);
  if (kind === 0) return null;
  if (kind === 1) return chance.bool(0.5);
  if (kind === 2)
    return chance.pick([0, -0, -1, 1, 1.5, 1e21, -1e300, 2 ** 31, 2 ** 53, Number.MIN_VALUE, 255]);
  if (kind <= 5) return hostileWord(chance);
  const values = Array.from({ length: chance.int(0, 4) }, () => hostileValue(chance, depth + 1));
  if (kind === 6) return values;
  // Own properties, also where the name is that of an inherited one.
  return Object.fromEntries(values.map((value) => [hostileWord(chance).slice(0, 200), value]));
}

/** Of a body that is to be refused, as it is on the wire. */
export function hostileText(chance: Chance): Buffer {
  const deep = chance.pick([50, 2_000, 100_000]);
  const text = chance.pick<() => string | Buffer>([
    () => '',
    () => ' '.repeat(chance.pick([1, 100_000])),
    () => 'null',
    () => 'true',
    () => '[]',
    () => '""',
    () => '{}{}',
    () => '{"text": "x",}',
    () => "{'text': 'x'}",
    () => '{"text": undefined}',
    () => '{"text": NaN}',
    () => '{"why": 1e400}',
    () => `{"why": ${'9'.repeat(10_000)}}`,
    () => '[1,2,{"a":[',
    () => '['.repeat(deep),
    () => '['.repeat(deep) + ']'.repeat(deep),
    () => '{"a":'.repeat(deep) + '1' + '}'.repeat(deep),
    () => `{"why":${'['.repeat(deep)}${']'.repeat(deep)}}`,
    () => '{"text":"version: 1","text":{"text":1}}',
    () => '{"why":"a","why":["b"]}',
    () => '{"$ref":"#"}',
    () => '{"why":{"$ref":"#/why"}}',
    () => '{"__proto__":{"why":"x"}}',
    () => '{"why":"x","__proto__":null}',
    () => '{"constructor":{"prototype":{"why":"x"}}}',
    () => '{"why":"\\u0000\\ud800\\udfff"}',
    () => '{"why":"\u0000"}',
    () => '\ufeff{"why":"x"}',
    () => '{"wh\\u0079":"x"}',
    () => `{"${'k'.repeat(20_000)}":1}`,
    () => `{${Array.from({ length: 3_000 }, (_, at) => `"k${at}":${at}`).join(',')}}`,
    () => Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
    () =>
      Buffer.concat([
        Buffer.from('{"why":"'),
        Buffer.from([0xc0, 0x80, 0xed, 0xa0, 0x80, 0xff]),
        Buffer.from('"}'),
      ]),
    () => Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x00]),
    () => randomText(chance, 200),
    () => 'text=version%3A+1&why=x',
    () => '--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nx\r\n--b--\r\n',
    () => '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
  ])();
  return Buffer.from(text);
}
