import { exitCodes } from '../exit-code.ts';
import { isFailing, sinkLines, sinkTestLine } from '../rendering/sink-lines.ts';
import { jsonLine, type CommandContext, type CommandResult } from './context.ts';

/** Who is paged, and whether it arrives. Exit code 2 when somebody cannot be reached. */
export async function listSinks({ client, terminal }: CommandContext, o: { json: boolean }): CommandResult {
  const sinks = await client.sinks();
  const frame = { nowMs: Date.now(), paint: terminal.paint };
  for (const sink of sinks)
    for (const line of o.json ? [jsonLine(sink)] : sinkLines(sink, frame)) terminal.out(line);
  if (sinks.length === 0) terminal.err('nobody is paged: SKEIN_SINKS is not set on the server');
  return sinks.some(isFailing) ? exitCodes.endedOtherwise : exitCodes.ok;
}

/** A test page, now. Exit code 2 when it did not arrive. */
export async function testSink(
  { client, terminal }: CommandContext,
  name: string,
  o: { json: boolean },
): CommandResult {
  const tested = await client.testSink(name);
  terminal.out(o.json ? jsonLine({ sink: name, ...tested }) : sinkTestLine(name, tested));
  return tested.delivered ? exitCodes.ok : exitCodes.endedOtherwise;
}
