import { cut, escapeText } from '../rendering/escape.ts';
import type { PlanPreview } from './preview.ts';
import { countWords } from './step-words.ts';

/** Mermaid itself refuses more than 500 edges and 50,000 characters. */
const STEPS_MAX = 200;
const EDGES_MAX = 450;
const LABEL_WIDTH = 60;

/** A plan as a Mermaid flow chart: a node for each step of the text, however many a matrix makes of it. */
export function renderMermaid(preview: PlanPreview): string {
  const { definition, steps } = preview;
  const shown = steps.slice(0, STEPS_MAX);
  const lines = ['flowchart TD'];
  for (const [index, step] of shown.entries()) {
    const text = `${step.definition.name}${countWords(step.definition, step.instances)}`;
    const when = step.definition.when === null ? '' : `<br/>${label(`when ${step.definition.when}`)}`;
    const [open, close] = step.instances === null ? ['[["', '"]]'] : ['["', '"]'];
    lines.push(`  n${index}${open}${label(text)}${when}${close}`);
  }
  if (steps.length > shown.length) lines.push(`  more["… and ${steps.length - shown.length} more steps"]`);
  const edges = edgesOf(preview, shown.length);
  lines.push(...edges.slice(0, EDGES_MAX));
  if (edges.length > EDGES_MAX) lines.push(`  %% and ${edges.length - EDGES_MAX} more edges`);
  const last = preview.system.filter(({ kind }) => kind === 'integrate' || kind === 'publish');
  if (last.length > 0) {
    const branch = definition.integrate?.branch;
    lines.push(`  integrate(["${label(branch ? `integrate into ${branch}` : 'integrate')}"])`);
    const ends = endsOf(preview, shown.length).map((index) => `n${index}`);
    const room = Math.max(1, EDGES_MAX - edges.length);
    lines.push(...ends.slice(0, room).map((end) => `  ${end} --> integrate`));
  }
  return lines.join('\n');
}

function edgesOf({ steps }: PlanPreview, shown: number): string[] {
  const indexOf = new Map(steps.map(({ definition }, index) => [definition.name, index]));
  return steps.slice(0, shown).flatMap(({ definition }, index) =>
    definition.needs.flatMap((name) => {
      const need = indexOf.get(name);
      if (need === undefined) return [];
      return [`  ${need < shown ? `n${need}` : 'more'} --> n${index}`];
    }),
  );
}

/** Steps that no other needs. */
function endsOf({ steps }: PlanPreview, shown: number): number[] {
  const needed = new Set(steps.flatMap(({ definition }) => definition.needs));
  return steps
    .slice(0, shown)
    .flatMap(({ definition }, index) => (needed.has(definition.name) ? [] : [index]));
}

/**
 * Text of strangers in a chart that a browser will render: all but letters, digits and a few harmless signs become
 * Mermaid's character codes, so that no quote, tag, directive or Markdown of theirs means anything.
 */
function label(text: string): string {
  return cut(escapeText(text), LABEL_WIDTH).replace(
    /[^\p{L}\p{N} ._,×…-]/gu,
    (character) => `#${character.codePointAt(0)};`,
  );
}
