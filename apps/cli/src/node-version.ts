/** The oldest Node that our libraries run on. `npm run` and bin/skein choose one; a bare `node dist/...` may not. */
const OLDEST = { major: 22, minor: 15 };

export function nodeIsNewEnough(version = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
}

export const nodeTooOld = `Node ${process.versions.node} is too old: ${OLDEST.major}.${OLDEST.minor} or newer is needed. \`npm ci\` brings one; use bin/skein or npm run.`;
