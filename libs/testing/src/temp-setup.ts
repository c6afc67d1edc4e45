import { makeTempRoot } from './temp-root.ts';

/** Jest's global set-up of the projects that start no servers. */
export default function setUp(): void {
  makeTempRoot();
}
