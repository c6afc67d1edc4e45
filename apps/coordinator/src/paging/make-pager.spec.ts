import { loadSettings } from '#config';
import { PAGE_KINDS } from '#paging';

describe('what a sink is paged about', () => {
  it('can be set for everything that there is, and for nothing else', () => {
    const sink = (on: readonly string[]) =>
      loadSettings({
        HOME: '/h',
        SKEIN_SINKS: JSON.stringify([{ name: 'chat', type: 'slack', url: 'https://example.org/x', on }]),
      }).paging.sinks;
    expect(sink(PAGE_KINDS)).toEqual([expect.objectContaining({ on: PAGE_KINDS })]);
    expect(() => sink([...PAGE_KINDS.slice(1), 'lease.lost'])).toThrow('Invalid option');
  });
});
