import { showSettings, unknownSettings } from '#config';
import { exitCodes } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { jsonLine, type CommandResult } from './context.ts';

/** Every setting with its value, where it comes from, its default and its meaning. Secrets are never shown. */
export async function showConfig(terminal: Terminal, o: { json: boolean }): CommandResult {
  const { paint } = terminal;
  for (const setting of showSettings()) {
    if (o.json) {
      terminal.out(jsonLine(setting));
      continue;
    }
    const value = escapeText(setting.value);
    const shown = setting.from === 'environment' ? paint('bold', value) : value;
    const normally =
      setting.from === 'environment' ? `, default ${escapeText(setting.default)}` : ' (default)';
    terminal.out(`${paint('cyan', setting.env)} = ${shown}${paint('dim', normally)}\n    ${setting.meaning}`);
  }
  for (const { env, suggestion } of unknownSettings()) {
    const hint = suggestion === null ? '' : ` (did you mean ${suggestion}?)`;
    terminal.err(paint('yellow', `${escapeText(env)} is set but is no setting of Skein${hint}`));
  }
  return exitCodes.ok;
}
