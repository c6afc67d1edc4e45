import { TerminalScreen } from '#testing';
import { displayWidth } from '../rendering/width.ts';
import { FrameWriter } from './frame-writer.ts';

function aWriter(o: { columns?: number; rows?: number } = {}) {
  const screen = new TerminalScreen({ columns: 40, rows: 8, ...o, widthOf: displayWidth });
  screen.write('$ skein watch plan1\n');
  return { screen, writer: new FrameWriter(screen) };
}

describe('drawing frames', () => {
  it('draws each one over the one before, and leaves what was there above', () => {
    const { screen, writer } = aWriter();
    writer.draw('one\ntwo\nthree');
    writer.draw('ONE\n変換');
    writer.draw('1\n2\n3\n4');
    expect(screen.text()).toEqual(['$ skein watch plan1', '1', '2', '3', '4']);
  });

  it('keeps what it prints between them, in its order, above the frame', () => {
    const { screen, writer } = aWriter();
    writer.draw('a\nb');
    writer.print('log 1\nlog 2');
    writer.print('log 3\n');
    writer.draw('c');
    expect(screen.text()).toEqual(['$ skein watch plan1', 'log 1', 'log 2', 'log 3', 'c']);
  });

  it('scrolls when the frame has reached the last row, without losing a line', () => {
    const { screen, writer } = aWriter({ rows: 5 });
    writer.draw('a\nb\nc');
    for (let i = 1; i <= 20; i++) writer.print(`log ${i}`);
    writer.draw('d\ne\nf');
    const logs = Array.from({ length: 20 }, (_, i) => `log ${i + 1}`);
    expect(screen.everything()).toEqual(['$ skein watch plan1', ...logs, 'd', 'e', 'f']);
  });

  it('hides the cursor while it draws, and leaves it below the last frame', () => {
    const { screen, writer } = aWriter();
    writer.draw('a\nb');
    expect(screen.isCursorShown).toBe(false);
    writer.done();
    screen.write('$ ');
    expect(screen.isCursorShown).toBe(true);
    expect(screen.text()).toEqual(['$ skein watch plan1', 'a', 'b', '$']);
  });

  it('touches nothing when it never drew', () => {
    const { screen, writer } = aWriter();
    writer.done();
    screen.write('$ ');
    expect(screen.text()).toEqual(['$ skein watch plan1', '$']);
  });

  it('writes nothing for a frame that is the same', () => {
    const written: string[] = [];
    const writer = new FrameWriter({ write: (text) => written.push(text) });
    writer.draw('a\nb');
    const before = written.length;
    writer.draw('a\nb');
    expect(written).toHaveLength(before);
    writer.draw('a\nc');
    expect(written).toHaveLength(before + 1);
    writer.done();
  });

  it('counts the lines that a narrower terminal has broken, so that none of them stays', () => {
    const written: string[] = [];
    const screen = { columns: 40, write: (text: string) => written.push(text) };
    const writer = new FrameWriter(screen);
    writer.draw(`${'x'.repeat(39)}\n\u001b[31m${'変'.repeat(15)}\u001b[39m\nend`);
    screen.columns = 20;
    writer.forget();
    // Two rows of x, two of 変, one of the end: four up from the last one.
    expect(written.at(-1)).toContain('\r\u001b[4A\u001b[J');
    writer.done();
  });
});
