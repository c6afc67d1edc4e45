import fc from 'fast-check';
import { MARK, type ShellPosition, shellPositions } from './shell-position.ts';

/** `@` stands for an expression. */
function positions(command: string): string[] {
  return shellPositions(command.replaceAll('@', MARK)).map((one: ShellPosition) =>
    one.ok ? one.quoting : one.why,
  );
}

describe('where an expression stands in a command', () => {
  it.each<[string, string[]]>([
    ['echo @', ['bare']],
    ['@ @', ['bare', 'bare']],
    ['echo a@b', ['bare']],
    ['X=@ make', ['bare']],
    ['echo "@"', ['double']],
    ['echo "a @ b" @', ['double', 'bare']],
    ['echo "\\"@"', ['double']],
    ['echo \\"@', ['bare']],
    ['echo "$(printf %s @)" "@"', ['bare', 'double']],
    ['echo "$(printf "%s" "@")@"', ['double', 'double']],
    ['(cd @ && make "@")', ['bare', 'double']],
    ['cat > @ <<EOF\n@ "@" \'@\'\nEOF\necho @', ['bare', 'double', 'double', 'double', 'bare']],
    ['cat <<-EOF\n\t@\n\tEOF\necho @', ['double', 'bare']],
    ['cat <<A <<B\n@\nA\n@\nB\necho @', ['double', 'double', 'bare']],
    ['cat <<EOF\n$(echo @)\nEOF\n', ['bare']],
    ["echo it\\'s @", ['bare']],
    ["echo 'a' @ 'b'", ['bare']],
    ['echo a#@', ['bare']],
    ['echo $# @', ['bare']],
    ['echo ${HOME:-"x}"} @', ['bare']],
    ['echo $((1 + (2))) @', ['bare']],
    ['echo a \\\n @', ['bare']],
    ['cat <<< @', ['bare']],
    ['if [ @ = "@" ]; then echo @; fi', ['bare', 'double', 'bare']],
    [`sh -c 'echo "$1"' sh @`, ['bare']],
    ['git commit -m trap @', ['bare']],
    ['rsync -e ssh @ host:', ['bare']],
    ['grep -c @ file', ['bare']],
    ['echo @ | sh script.sh', ['bare']],
    ['echo @ || sh', ['bare']],
    ['echo @ | grep -c x', ['bare']],
    ['sh ./build.sh @', ['bare']],
  ])('%j', (command, expected) => {
    expect(positions(command)).toEqual(expected);
  });

  it.each<[string, string]>([
    ["echo '@'", 'within single quotes'],
    ["echo 'a\n@'", 'within single quotes'],
    ['echo x # @', 'in a comment'],
    ['# @\necho', 'in a comment'],
    ['echo \\@', 'a backslash'],
    ['echo "\\@"', 'a backslash'],
    ['echo `echo @`', 'within backticks'],
    ['echo "`echo @`"', 'within backticks'],
    ['echo $((@ + 1))', 'within $((...))'],
    ['((@ > 1)) && make', 'within $((...))'],
    ['echo $[@]', 'within $((...))'],
    ['echo ${X:-@}', 'within ${...}'],
    ['echo "${X:-@}"', 'within ${...}'],
    ["echo $'a' @", "after $'"],
    ['cat <<@\nx\n', 'the mark that ends'],
    ["cat <<'EOF'\n@\nEOF\n", 'here-document whose mark is quoted'],
    ['cat <<\\EOF\n@\nEOF\n', 'here-document whose mark is quoted'],
    ['eval @', 'read as shell a second time'],
    ['eval "echo @"', 'read as shell a second time'],
    ['sh -c "echo @"', 'read as shell a second time'],
    ['sh -c @', 'read as shell a second time'],
    ['sudo -u me /bin/bash -euc "x @"', 'read as shell a second time'],
    ['find . -exec sh -c "x @" \\;', 'read as shell a second time'],
    ['ssh host "ls @"', 'read as shell a second time'],
    ['ssh host ls @', 'read as shell a second time'],
    ['trap "rm @" EXIT', 'read as shell a second time'],
    ['su me -c "x @"', 'read as shell a second time'],
    ['[[ @ -eq 1 ]]', 'read as shell a second time'],
    ['echo @ | sh', 'read as shell a second time'],
    ['echo "x @" | sudo bash -s', 'read as shell a second time'],
    ['(echo "$(echo @)") | sh', 'read as shell a second time'],
    ['bash <<EOF\necho @\nEOF\n', 'read as shell a second time'],
    ['cat <<EOF | ssh host\necho @\nEOF\n', 'read as shell a second time'],
    ['if true; then eval @; fi', 'read as shell a second time'],
  ])('%j is refused', (command, why) => {
    expect(positions(command)).toEqual([expect.stringContaining(why)]);
  });

  it('is found for every expression, whatever the command is, and in linear time', () => {
    const piece = fc.constantFrom(
      ...[
        '@',
        "'",
        '"',
        '`',
        '$',
        '(',
        ')',
        '((',
        '))',
        '${',
        '}',
        '\\',
        '\n',
        ' ',
        '#',
        '<<EOF',
        "<<-'EOF'",
        'EOF',
        'eval ',
        'sh -c ',
        '|',
        ';',
        'a',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const command = pieces.join('');
        expect(positions(command)).toHaveLength(command.split('@').length - 1);
      }),
      { numRuns: 2_000 },
    );
    const before = process.cpuUsage();
    for (const piece of ['"$(', '$((', '${', '<<A\n', '`', "'", '@', '((', '\\', '(|', 'a<<E ']) {
      const command = piece.repeat(65_536 / piece.length);
      expect(positions(command)).toHaveLength(command.split('@').length - 1);
    }
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(3_000);
  });
});
