/**
 * Plans of the past: one for each state that an upgrade may find a plan in. Their text is in the frozen ledger, so
 * that the repository must be at the same place when they go on.
 */
export const FROZEN_ROOT = '/tmp/skein-frozen';
export const REPOSITORY = `${FROZEN_ROOT}/repository.git`;

export type Stage = 'completed' | 'halted' | 'cancelled' | 'poisoned' | 'leased' | 'admitted';

/** What an expression would look like today was plain text then. */
export const LITERAL = '${{ steps.first.outputs.x }}';

const repo = { url: REPOSITORY, base: 'main' };
const write = (file: string, text: string): string => `printf '%s\\n' '${text}' > ${file}`;

export const PLANS: Record<Stage, object> = {
  completed: {
    version: 1,
    name: 'completed',
    repo,
    integrate: { branch: 'completed', verify: ['test -f gathered.txt'] },
    steps: [
      { name: 'change', matrix: ['a', 'b'], run: 'echo "$SKEIN_MATRIX" > "change-$SKEIN_MATRIX.txt"' },
      { name: 'gather', needs: ['change'], run: 'cat change-*.txt > gathered.txt' },
    ],
  },
  halted: {
    version: 1,
    name: 'halted',
    repo,
    steps: [
      { name: 'fails', attempts: 1, run: 'echo out of luck; exit 7' },
      { name: 'after', needs: ['fails'], run: write('after.txt', 'after') },
      { name: 'other', run: write('other.txt', 'other') },
    ],
  },
  cancelled: {
    version: 1,
    name: 'cancelled',
    repo,
    steps: [
      { name: 'hangs', run: 'exec sleep 600' },
      { name: 'after', needs: ['hangs'], noop: true },
    ],
  },
  poisoned: {
    version: 1,
    name: 'poisoned',
    repo,
    maxLeases: 1,
    steps: [
      // Only its first worker is killed: what is redriven later passes.
      { name: 'pill', run: `[ "$SKEIN_EPOCH" != 1 ] || exec sleep 600; ${write('pill.txt', 'taken')}` },
      { name: 'after', needs: ['pill'], run: write('after.txt', 'after') },
      { name: 'other', run: write('other.txt', 'other') },
    ],
  },
  leased: {
    version: 1,
    name: 'leased',
    repo,
    integrate: { branch: 'leased', verify: ['grep -q second fixed.txt'] },
    steps: [
      { name: 'first', run: write('first.txt', 'first') },
      {
        // Its first attempt was rejected; in the second one it was frozen.
        name: 'fixing',
        needs: ['first'],
        attempts: 2,
        agent: {
          command: [
            'if [ "$SKEIN_ATTEMPT" = 1 ]; then echo first > fixed.txt; exit 0; fi',
            '[ "$SKEIN_EPOCH" != 1 ] || exec sleep 600',
            'test "$(cat fixed.txt)" = first && grep -q "not the second" "$SKEIN_FEEDBACK" && echo second > fixed.txt',
          ].join('\n'),
          prompt: 'Write the second version.',
        },
        verify: ['grep -q second fixed.txt || { echo not the second; exit 1; }'],
      },
      { name: 'literal', needs: ['fixing'], run: write('literal.txt', LITERAL) },
    ],
  },
  admitted: {
    version: 1,
    name: 'admitted',
    repo,
    integrate: { branch: 'admitted' },
    steps: [
      { name: 'change', run: write('admitted.txt', 'admitted') },
      { name: 'gate', needs: ['change'], noop: true },
    ],
  },
};
