import { Events1763600000000 } from './1763600000000-events.ts';
import { Projections1763600100000 } from './1763600100000-projections.ts';
import { PlanFilters1763600200000 } from './1763600200000-plan-filters.ts';
import { Pages1763600300000 } from './1763600300000-pages.ts';
import { DeciderVersion1763600400000 } from './1763600400000-decider-version.ts';
import { PagerVersion1763600500000 } from './1763600500000-pager-version.ts';

/** In order. Landed migrations are never edited: a change is a new one. */
export const MIGRATIONS = [
  Events1763600000000,
  Projections1763600100000,
  PlanFilters1763600200000,
  Pages1763600300000,
  DeciderVersion1763600400000,
  PagerVersion1763600500000,
];
