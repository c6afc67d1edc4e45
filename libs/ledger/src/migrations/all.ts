import { Events1763600000000 } from './1763600000000-events.ts';

/** In order. Landed migrations are never edited: a change is a new one. */
export const MIGRATIONS = [Events1763600000000];
