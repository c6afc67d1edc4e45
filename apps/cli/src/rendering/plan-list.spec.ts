import { noCounts } from '../testing/answers.ts';
import { aSummary, iso, SUBMITTED_MS } from '../testing/watched.ts';
import { renderPlanHead, renderPlanRow } from './plan-list.ts';
import { plainPaint } from './terminal.ts';
import { displayWidth } from './width.ts';

const frame = { columns: 200, nowMs: SUBMITTED_MS + 7_380_000, paint: plainPaint };

describe('the list of plans', () => {
  it('says of each plan how it stands, how far it is, since when, and its labels', () => {
    const plan = aSummary({
      planId: '3b6f0a2c9d1e4f5a6b7c',
      counts: { ...noCounts(), passed: 400, skipped: 12, running: 8, sleeping: 1, waiting: 179 },
      labels: { team: 'web', urgent: '' },
    });
    expect([renderPlanHead(frame), renderPlanRow(plan, frame)]).toEqual([
      'plan                  status            done  submitted                    took  name',
      '3b6f0a2c9d1e4f5a6b7c  running        412/600  2026-11-20T12:00:00Z   2 h 03 min  move-to-esm  team=web urgent',
    ]);
  });

  it('says how long a plan took that has ended', () => {
    expect(renderPlanRow(aSummary({ status: 'halted', endedAt: iso(65_000) }), frame)).toContain(
      '1 min 05 s',
    );
  });

  it('keeps each plan on its line, whatever it is called', () => {
    const plan = aSummary({ name: 'a\n\u001b[2J変換'.repeat(40), labels: { 'x\ny': '\u202e' } });
    for (const columns of [20, 80, 120]) {
      const row = renderPlanRow(plan, { ...frame, columns });
      expect(displayWidth(row)).toBeLessThanOrEqual(columns);
      expect(row).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });
});
