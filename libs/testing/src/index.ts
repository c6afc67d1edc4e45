export { eventually } from './eventually.ts';
export { type FreshDatabase, freshDatabase, freshNamespace } from './fresh.ts';
export { type GitRepo, gitRepo } from './git-repo.ts';
export { type Launcher, type LauncherOptions, startLauncher } from './launchers.ts';
export { type OwnNats, type OwnPostgres, startOwnNats, startOwnPostgres } from './own-servers.ts';
export { runs } from './processes.ts';
export { tempDir } from './temp-root.ts';
export { type TestServers, testNatsProgram, testServers } from './test-servers.ts';
