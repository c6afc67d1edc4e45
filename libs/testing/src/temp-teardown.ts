import { removeTempRoot } from './temp-root.ts';

export default function tearDown(): void {
  removeTempRoot();
}
