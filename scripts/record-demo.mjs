// Records the demo in a terminal and writes docs/demo.svg. After `npm run build`: node scripts/record-demo.mjs
// Needs `script` of util-linux, which gives the demo a terminal; everything else is as `npm run demo` has it.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../dist/libs/config/src/index.js';
import { TerminalScreen } from '../libs/testing/src/screen.ts';
import { terminalSvg } from './recording/terminal-svg.mjs';

const COLUMNS = 108;
const ROWS = 28;
/** Pictures a second at most, and how long one stands still at most: nobody waits for Postgres in a README. */
const FRAME_MS = 250;
const STILL_MS_MAX = 900;
const READ_MS = 4_500;

const OUTCOME = /^ {2}\d+ files changed, \d+ insertions/;
const ATTEMPTS_END = /^ {4}\[skein\] accepted/;
const LEDGER = /^ {2}verified: \d+ events/;

const root = fileURLToPath(new URL('..', import.meta.url));
const chunks = await record('dist/apps/cli/src/demo/main.js');
const { frames, still } = framesOf(chunks);
const label =
  'The demo in a terminal: a plan moves a service from callbacks to promises; its steps run side by side, an agent ' +
  'fails its checks once and repairs its work, and the result is one branch and a verified ledger.';
const svg = terminalSvg({ frames, still, columns: COLUMNS, rows: ROWS, title: 'npm run demo', label });
await writeFile(new URL('../docs/demo.svg', import.meta.url), svg);
console.log(`docs/demo.svg: ${frames.length} frames, ${Math.round(svg.length / 1024)} KB`);

/** What the demo writes to its terminal, with the times. */
function record(program) {
  const command = `stty cols ${COLUMNS} rows ${ROWS}; exec node ${program}`;
  const { PATH, HOME } = childEnvironment();
  const node = dirname(process.execPath);
  const env = { PATH: `${node}:${PATH}`, HOME, TERM: 'xterm-256color', LANG: 'C.UTF-8' };
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks = [];
  const startedMs = performance.now();
  child.stdout
    .setEncoding('utf8')
    .on('data', (text) => chunks.push({ ms: performance.now() - startedMs, text }));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(chunks) : reject(new Error(`the demo ended with ${code}`)),
    );
  });
}

/**
 * As it happened until the plan is done, but without the long waits; then the pages that the demo prints at once, one
 * after the other, as somebody would scroll through them.
 */
function framesOf(chunks) {
  const screen = new TerminalScreen({ columns: COLUMNS, rows: ROWS });
  const live = [];
  for (const { ms, text } of chunks) {
    if (screen.everything().some((line) => OUTCOME.test(line))) {
      screen.write(text);
      continue;
    }
    screen.write(text);
    const last = live.at(-1);
    if (last && ms - last.atMs < FRAME_MS) Object.assign(last, { rows: screen.cells() });
    else live.push({ atMs: ms, rows: screen.cells() });
  }
  const timed = live.map(({ atMs, rows }, i) => {
    const untilMs = live[i + 1]?.atMs ?? atMs + STILL_MS_MAX;
    return { rows, ms: Math.min(untilMs - atMs, STILL_MS_MAX) };
  });
  const everything = [...screen.scrollback, ...screen.cells()];
  const pages = [OUTCOME, ATTEMPTS_END, LEDGER].map((end) => ({
    rows: pageUpTo(everything, end),
    ms: READ_MS,
  }));
  // The last live frame may have the first lines of the pages: they were written at once.
  const frames = [...timed.slice(0, -1), ...pages];
  return { frames, still: frames.length - pages.length };
}

function pageUpTo(lines, end) {
  const found = lines.findIndex((cells) => end.test(cells.map(({ text }) => text).join('')));
  if (found < 0) throw new Error(`the demo did not print ${end}`);
  return lines.slice(Math.max(0, found + 1 - ROWS), found + 1);
}
