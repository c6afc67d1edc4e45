import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import picomatch from 'picomatch';
import { ExpressionError, type ExpressionScope, type JsonValue } from '#domain';
import { renderArgs, renderCommands, renderEnv, renderGlobs, renderText } from './rendering.ts';

function scopeWith(params: Record<string, JsonValue>): ExpressionScope {
  return {
    params,
    with: {},
    plan: { id: 'p', name: 'p' },
    step: { name: 's', ordinal: 1 },
    matrix: null,
    needs: {},
  };
}

function shell(command: string, values: Record<string, string>): string {
  // What a value says would be done must leave a trace that the test can see: it runs where `id` and `touch` are found.
  return execFileSync('/bin/sh', ['-c', command], {
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', ...values },
    encoding: 'utf8',
    cwd: '/',
  });
}

/** Text that a shell would do something with, if it were ever given it as shell. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          "'",
          '"',
          '`',
          '$',
          '$(id)',
          '`id`',
          '${PATH}',
          '$PATH',
          '\\',
          '\n',
          '\r',
          '\t',
          ' ',
          '  ',
          ';',
          '&',
          '&&',
          '|',
          '||',
        ],
        ...[
          '<',
          '>',
          '>x',
          '(',
          ')',
          '{',
          '}',
          '*',
          '?',
          '[a-z]',
          '~',
          '#',
          '!',
          '-n',
          '-e',
          '--',
          '%s',
          '\\0',
          'EOF',
          '\nEOF\n',
          '=',
          ',',
          '.',
        ],
        ...[
          '; touch /tmp/x',
          "'; id; '",
          '"; id; "',
          '$((1+1))',
          'é',
          '😀',
          '\u202e',
          '/*',
          '${SKEIN_VALUE_1}',
          '${{ params.v }}',
        ],
      ),
      fc.string({ maxLength: 5, unit: 'grapheme' }),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join('').replaceAll('\0', '').toWellFormed());

describe('a value in a shell command', () => {
  /** Every place where an expression is allowed; each prints the value and nothing else. */
  const PLACES = [
    ['as a word', "printf '%s' ${{ params.v }}", (v: string) => v],
    ['in double quotes', 'printf %s "${{ params.v }}"', (v: string) => v],
    ['within a word', "printf '%s' a${{ params.v }}b", (v: string) => `a${v}b`],
    ['within double quotes', 'printf %s "<${{ params.v }}>"', (v: string) => `<${v}>`],
    ['before letters in double quotes', 'printf %s "${{ params.v }}_1"', (v: string) => `${v}_1`],
    ['in a here-document', 'cat <<EOF\n${{ params.v }}\nEOF\n', (v: string) => `${v}\n`],
    ['in an assignment', 'X=${{ params.v }}\nprintf %s "$X"', (v: string) => v],
    ['in an assignment before a command', 'X=${{ params.v }} sh -c \'printf %s "$X"\'', (v: string) => v],
    ['as an argument of a script', `sh -c 'printf %s "$1"' sh \${{ params.v }}`, (v: string) => v],
    ['in a loop', 'for x in ${{ params.v }}; do printf %s "$x"; done', (v: string) => v],
    ['in a substitution', 'printf %s "$(printf "%s." ${{ params.v }})"', (v: string) => `${v}.`],
    ['twice', 'printf "%s|%s" ${{ params.v }} "${{ params.v }}"', (v: string) => `${v}|${v}`],
    ['after quotes', `printf %s 'a'"b"\${{ params.v }}\\'`, (v: string) => `ab${v}'`],
    ['in a pipe', 'printf %s ${{ params.v }} | cat', (v: string) => v],
    ['in a subshell', "(cd / && printf '%s' ${{ params.v }})", (v: string) => v],
    ['in a test', '[ ${{ params.v }} = "${{ params.v }}" ] && printf yes', () => 'yes'],
    ['in a case', 'case ${{ params.v }} in "${{ params.v }}") printf yes;; esac', () => 'yes'],
    ['as a pattern', 'case ${{ params.v }} in ${{ params.v }}) printf yes;; esac', () => 'yes'],
  ] as const;

  it.each(PLACES)('%s arrives exactly as it is', (_, command, printed) => {
    fc.assert(
      fc.property(nasty, (value) => {
        const rendered = renderCommands([command], scopeWith({ v: value }));
        expect(rendered.commands[0]).not.toContain('${{');
        expect(shell(rendered.commands[0]!, rendered.values)).toBe(printed(value));
      }),
      { numRuns: 40 },
    );
  });

  it('is nothing but a variable in the text of the command, whatever the command is', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      '`',
      '$(',
      ')',
      '\\',
      '\n',
      ' ',
      '#',
      '<<EOF\n',
      'EOF',
      '${',
      '}',
      'x',
      '${{ params.v }}',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const command = pieces.join('');
        const secret = 'VALUE; id $(id) `id`';
        let rendered;
        try {
          rendered = renderCommands([command], scopeWith({ v: secret }));
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError);
          return;
        }
        expect(rendered.commands[0]).not.toContain('VALUE;');
        const plain = command.split('${{ params.v }}').map((text) => text.replace(/\W/g, '\\$&'));
        const shown = rendered.commands[0]!.replace(/\$\{SKEIN_VALUE_\d+\}/g, '@');
        expect(shown).toMatch(new RegExp(`^${plain.join('"?@"?')}$`));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is given by numbers that go on from one call to the next', () => {
    const scope = scopeWith({ a: 'x', b: [1, { c: null }] });
    const first = renderCommands(['echo ${{ params.a }}', 'make', 'echo "${{ params.b }}"'], scope);
    expect(first).toEqual({
      commands: ['echo "${SKEIN_VALUE_1}"', 'make', 'echo "${SKEIN_VALUE_2}"'],
      values: { SKEIN_VALUE_1: 'x', SKEIN_VALUE_2: '[1,{"c":null}]' },
    });
    expect(renderCommands(['${{ size(params.b) }}'], scope, first.values)).toEqual({
      commands: ['"${SKEIN_VALUE_3}"'],
      values: { ...first.values, SKEIN_VALUE_3: '2' },
    });
  });

  it.each([
    [
      "echo '${{ params.v }}'",
      'within single quotes the shell replaces nothing; use double quotes there, or none',
    ],
    ['eval ${{ params.v }}', 'read as shell a second time'],
    ['echo ${{ params.nope }}', '`params` has no "nope"'],
    ['echo ${{ params.v', 'is not closed'],
  ])('%s is refused', (command, message) => {
    expect(() => renderCommands([command], scopeWith({ v: 'x' }))).toThrow(ExpressionError);
    expect(() => renderCommands([command], scopeWith({ v: 'x' }))).toThrow(message);
  });

  it('cannot be what no program can be given', () => {
    expect(() => renderCommands(['${{ params.v }}'], scopeWith({ v: 'a\0b' }))).toThrow('NUL character');
    expect(() => renderCommands(['${{ params.v }}'], scopeWith({ v: '\ud800' }))).toThrow(
      'half of a character',
    );
    const long = scopeWith({ v: 'x'.repeat(65_000) });
    expect(() => renderEnv({ A: '${{ params.v }}${{ params.v }}${{ params.v }}' }, long)).toThrow(
      'more than a program can be given',
    );
    expect(() => renderArgs(['${{ params.v }}${{ params.v }}${{ params.v }}'], long)).toThrow(
      'more than a program',
    );
    expect(() => renderCommands(Array<string>(20).fill('echo ${{ params.v }}'), long)).toThrow(
      'larger than 1 MB',
    );
    // The longest that is taken, a real program can be given.
    const { values, commands } = renderCommands(['printf %s ${{ params.v }} | wc -c'], long);
    expect(shell(commands[0]!, values).trim()).toBe('65000');
  });
});

describe('a value in text', () => {
  it('stands there as it is, and lists and maps as JSON', () => {
    const scope = scopeWith({ t: 'a "b" $c', n: 2, yes: true, list: ['x'], map: { k: null } });
    expect(
      renderText(
        '<${{ params.t }}> ${{ params.n }} ${{params.yes}} ${{ params.list }} ${{ params.map }}',
        scope,
      ),
    ).toBe('<a "b" $c> 2 true ["x"] {"k":null}');
    expect(renderText('the $${{ github.sha }} of a workflow', scope)).toBe(
      'the ${{ github.sha }} of a workflow',
    );
    expect(renderEnv({ A: '${{ params.n }}', B: 'b' }, scope)).toEqual({ A: '2', B: 'b' });
    expect(renderArgs(['${{ params.t }}', '-x'], scope)).toEqual(['a "b" $c', '-x']);
  });

  it('is not looked at again', () => {
    expect(renderText('${{ params.v }}', scopeWith({ v: '${{ params.v }}' }))).toBe('${{ params.v }}');
  });

  it('comes at most a hundred times', () => {
    expect(() => renderText('${{ 1 }} '.repeat(300), scopeWith({}))).toThrow('more than 100 expressions');
  });
});

describe('a value in a glob', () => {
  const name = fc
    .array(fc.constantFrom(...'abc.-_ *?[]{}()!+@|^$,\\~#%\'"é😀'), { minLength: 1, maxLength: 8 })
    .map((characters) => characters.join(''))
    .filter((text) => !/^\.{1,2}$/.test(text));

  it('names that file and no other', () => {
    fc.assert(
      fc.property(name, name, (file, other) => {
        const [pattern] = renderGlobs(['src/${{ params.f }}'], scopeWith({ f: file }));
        const matches = picomatch(pattern!, { dot: true });
        expect(matches(`src/${file}`)).toBe(true);
        if (other !== file) expect(matches(`src/${other}`)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('may be a list when it is all of the glob', () => {
    const scope = scopeWith({ files: ['a[1].js', 'b.js'] });
    expect(renderGlobs(['src/**', '${{ params.files }}', 'lib/${{ params.files[1] }}/*'], scope)).toEqual([
      'src/**',
      'a\\[1\\].js',
      'b.js',
      'lib/b.js/*',
    ]);
  });

  it.each([['/etc/passwd'], ['../x'], ['a/../../b'], [''], [7], [['ok', 3]]])('%j is none', (value) => {
    expect(() => renderGlobs(['${{ params.v }}'], scopeWith({ v: value }))).toThrow(ExpressionError);
  });
});
