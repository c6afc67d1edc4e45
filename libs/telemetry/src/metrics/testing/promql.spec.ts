import { parsePromQL } from './promql.ts';

describe('the reader of Prometheus queries', () => {
  it('finds every selector, grouping and function', () => {
    const query = parsePromQL(
      `histogram_quantile(0.95, sum by (le, pool) (rate(a_bucket{pool=~"$pool",kind!="x"}[$__rate_interval]))) > 30
       unless on (pool) (max(b) without (c) > -1.5e3) and changes(process_start[15m]) > 3`,
    );
    expect(query.selectors.map(({ name, ranged }) => [name, ranged])).toEqual([
      ['a_bucket', true],
      ['b', false],
      ['process_start', true],
    ]);
    expect(query.selectors[0]?.matchers).toEqual([
      { label: 'pool', op: '=~', value: '$pool' },
      { label: 'kind', op: '!=', value: 'x' },
    ]);
    expect(query.groupings).toEqual(['le', 'pool', 'pool', 'c']);
    expect(query.functions.map(({ name }) => name)).toEqual(['rate', 'histogram_quantile', 'changes']);
  });

  it.each([
    'rate(a[5m]',
    'sum by pool (a)',
    'a{pool="x"',
    'a{pool=x}',
    'a[5 minutes]',
    'a b',
    'nonsense(a)',
    '',
    'a +',
    'a{pool=="x"}',
  ])('refuses %s', (text) => {
    expect(() => parsePromQL(text)).toThrow();
  });
});
