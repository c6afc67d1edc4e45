import { readJsonTree } from './json-tree.ts';
import type { TreeReading } from './text-tree.ts';
import { readYamlTree } from './yaml-tree.ts';

/** JSON or YAML text to its value and places, whichever it is. */
export function readPlanTree(
  text: string,
  bytes: number,
  o: { maxDepth: number; maxYamlBytes: number },
): TreeReading {
  const json = /^\s*[[{"]/.test(text) ? readJsonTree(text, o.maxDepth) : null;
  if (json) return json;
  if (bytes > o.maxYamlBytes) {
    const message = `${bytes} bytes of YAML; at most ${o.maxYamlBytes} are taken`;
    return {
      ok: false,
      problems: [{ code: 'text-too-large', message, start: 0, hint: 'send a large plan as JSON' }],
    };
  }
  return readYamlTree(text, o.maxDepth);
}
