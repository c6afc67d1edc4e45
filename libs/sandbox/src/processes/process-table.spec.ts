import { ProcessTable, parsePs, parseStat, startOf } from './process-table.ts';

describe('the table of processes', () => {
  it('reads a process whose name has blanks and brackets', () => {
    const fields = ['S', '10', '20', '30', ...Array.from({ length: 15 }, () => '0'), '4711', '0', '3'];
    expect(parseStat(`42 (a) (b c) ${fields.join(' ')} 0`)).toMatchObject({
      ...{ pid: 42, parent: 10, group: 20, session: 30, start: '4711' },
    });
  });

  it('takes a zombie for dead', () => {
    expect(parseStat('42 (x) Z 1 1 1 0')).toBeNull();
  });

  it('reads what ps says where there is no /proc', () => {
    const rows = parsePs(
      '    1     0     1 Ss   1234 Fri Nov 20 18:22:05 2026\n  77     1    70 R+      8 Fri Nov 20 18:30:00 2026\n  78 77 70 Z 0 Fri Nov 20 18:30:00 2026\n\n',
    );
    expect([...rows.values()]).toEqual([
      { pid: 1, parent: 0, group: 1, session: 0, start: 'Fri Nov 20 18:22:05 2026', rssBytes: 1_263_616 },
      { pid: 77, parent: 1, group: 70, session: 0, start: 'Fri Nov 20 18:30:00 2026', rssBytes: 8_192 },
    ]);
  });

  it('knows this process, with a believable memory', async () => {
    const row = (await new ProcessTable().read()).get(process.pid);
    expect(row).toMatchObject({ parent: process.ppid });
    expect(row!.rssBytes).toBeGreaterThan(10 * 1024 * 1024);
    expect(row!.rssBytes).toBeLessThan(process.memoryUsage().rss * 3);
    expect(startOf(process.pid)).toBe(row!.start);
    expect(startOf(2 ** 30)).toBeNull();
  });
});
