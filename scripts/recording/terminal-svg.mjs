// Frames of a terminal as one SVG that plays them: text as text, styles by CSS, no scripts. Viewers that do not move
// pictures, or whose reader asked for less motion, show one frame.

const CELL = { width: 8.4, height: 18 };
const PADDING = 16;
const BAR = 30;
const FONT = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace';

/** What a person sees of each colour, on a dark and on a light page. Every pair has a contrast of at least 4.5. */
export const palettes = {
  dark: {
    back: '#15191f',
    text: '#dfe5ec',
    dim: '#98a2b0',
    red: '#ff8a80',
    green: '#7ee08a',
    yellow: '#f0d070',
    cyan: '#76d9e6',
    edge: '#363d48',
  },
  light: {
    back: '#fbfcfd',
    text: '#20262e',
    dim: '#5c6672',
    red: '#b3261e',
    green: '#1c6b2c',
    yellow: '#7a5a00',
    cyan: '#0b6572',
    edge: '#ccd3dc',
  },
};

const COLOURS = { 31: 'red', 32: 'green', 33: 'yellow', 36: 'cyan' };

/**
 * `frames`: `{ rows: Cell[][], ms }`, each shown so long. `still`: index of the one that is shown without motion.
 * `label`: what the picture shows, for those who do not see it.
 */
export function terminalSvg({ frames, columns, rows, still, title, label }) {
  const totalMs = frames.reduce((sum, { ms }) => sum + ms, 0);
  const starts = frames.map((_, i) => frames.slice(0, i).reduce((sum, { ms }) => sum + ms, 0) / totalMs);
  const spans = rowSpans(frames, rows);
  const width = Math.ceil(columns * CELL.width + 2 * PADDING);
  const height = Math.ceil(rows * CELL.height + 2 * PADDING + BAR);
  const moves = [...new Set(spans.map(spanName))].map((name) => keyframes(name, starts, totalMs));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(label)}">`,
    `<style>${style(moves)}</style>`,
    `<rect class="back" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    `<text class="dim" x="${PADDING}" y="${BAR - 8}">${escapeXml(title)}</text>`,
    `<path class="edge" d="M0 ${BAR}H${width}"/>`,
    ...spans.map((span) => rowText(span, still)),
    '</svg>',
    '',
  ].join('\n');
}

/** A row that stays the same over several frames is there once: `{ row, cells, from, to }`, frames from..to-1. */
function rowSpans(frames, rows) {
  const spans = [];
  for (let row = 0; row < rows; row++) {
    let from = 0;
    for (let frame = 1; frame <= frames.length; frame++) {
      const cells = frames[from].rows[row] ?? [];
      if (frame < frames.length && sameRow(cells, frames[frame].rows[row] ?? [])) continue;
      if (cells.some(({ text }) => text.trim() !== '')) spans.push({ row, cells, from, to: frame });
      from = frame;
    }
  }
  return spans;
}

function sameRow(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

function spanName({ from, to }) {
  return `f${from}-${to}`;
}

function rowText(span, still) {
  const y = (BAR + PADDING + span.row * CELL.height + 13).toFixed(0);
  const isStill = span.from <= still && still < span.to;
  const runs = runsOf(span.cells).map(({ column, text, cssClass }) => {
    const x = (PADDING + column * CELL.width).toFixed(1);
    const length = ([...text].length * CELL.width).toFixed(1);
    const named = cssClass === '' ? '' : ` class="${cssClass}"`;
    return `<tspan x="${x}" textLength="${length}"${named}>${escapeXml(text)}</tspan>`;
  });
  return `<text y="${y}" class="${isStill ? 'still ' : ''}row ${spanName(span)}">${runs.join('')}</text>`;
}

/** Cells of one style that stand together; blanks between words of one style belong to them. */
function runsOf(cells) {
  const runs = [];
  cells.forEach(({ text, style }, column) => {
    const cssClass = classOf(style);
    const last = runs.at(-1);
    if (last && last.cssClass === cssClass && last.end === column) {
      last.text += text;
      last.end += 1;
    } else if (text.trim() !== '') runs.push({ column, text, cssClass, end: column + 1 });
  });
  return runs.map((run) => ({ ...run, text: run.text.trimEnd() }));
}

function classOf({ bold, dim, colour }) {
  return [bold ? 'bold' : '', dim ? 'dim' : '', COLOURS[colour] ?? ''].filter(Boolean).join(' ');
}

function keyframes(name, starts, totalMs) {
  const [from, to] = name.slice(1).split('-').map(Number);
  const percent = (share) => `${(share * 100).toFixed(2)}%`;
  const begin = from === 0 ? '' : `0%{visibility:hidden}`;
  const end = to === starts.length ? '' : `${percent(starts[to])},100%{visibility:hidden}`;
  const shown = `${percent(starts[from])}{visibility:visible}`;
  return `@keyframes ${name}{${begin}${shown}${end}} .${name}{animation:${name} ${Math.round(totalMs)}ms step-end infinite}`;
}

function style(moves) {
  return [
    `text{font:13px ${FONT};white-space:pre}`,
    ...themed('dark'),
    '.bold{font-weight:600}',
    '.row{visibility:hidden}.still{visibility:visible}',
    `@media (prefers-color-scheme:light){${themed('light').join('')}}`,
    `@media (prefers-reduced-motion:no-preference){${moves.join('')}}`,
  ].join('\n');
}

function themed(name) {
  const { back, edge, text, ...colours } = palettes[name];
  return [
    `.back{fill:${back};stroke:${edge}}.edge{stroke:${edge}}text{fill:${text}}`,
    ...Object.entries(colours).map(([cssClass, colour]) => `.${cssClass}{fill:${colour}}`),
  ];
}

function escapeXml(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
