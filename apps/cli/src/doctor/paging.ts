import type { SinkView } from '#client';
import { escapeText } from '../rendering/escape.ts';
import { isFailing } from '../rendering/sink-lines.ts';
import { found, weak, type Finding } from './finding.ts';

const NAME = 'paging';

/**
 * `names`: as this machine's settings have them. `running`: what a running server says of its own; null: none answers.
 */
export function checkPaging(names: readonly string[], running: readonly SinkView[] | null): Finding {
  const failing = (running ?? []).filter(isFailing);
  const [first] = failing;
  if (first) {
    const all = failing.map(({ name }) => name).join(', ');
    const detail = `people cannot be reached by ${all}: ${first.lastError ?? 'pages were given up'}`;
    return weak(NAME, detail, `correct it, then \`skein sinks test ${escapeText(first.name)}\``);
  }
  const known = running?.map(({ name }) => name) ?? names;
  if (known.length === 0) return found(NAME, 'nobody is paged (SKEIN_SINKS is not set)');
  return found(NAME, known.join(', '));
}
