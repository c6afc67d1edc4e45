import { access, constants, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Programs that stand for others below HOME, where steps cannot look; and how to give steps the real ones. */
const SHIMS: { folder: RegExp; name: string; real: string; around: string }[] = [
  { folder: /\/\.pyenv\/shims$/, name: 'pyenv', real: '$(pyenv prefix)/bin', around: '$(pyenv prefix)' },
  {
    folder: /\/\.cargo\/bin$/,
    name: 'rustup',
    real: '$(dirname "$(rustup which cargo)")',
    around: '$(rustup show home)',
  },
  { folder: /\/\.rbenv\/shims$/, name: 'rbenv', real: '$(rbenv prefix)/bin', around: '$(rbenv prefix)' },
];
const OTHER_SHIMS = /\/(shims|\.volta\/bin)$/;

/**
 * What will go wrong with the plan's programs in a sandbox: not on the steps' PATH, or only a version manager's stand-in.
 * `path`: the PATH that steps get.
 */
export async function programHints(programs: readonly string[], path: string): Promise<string[]> {
  const hints: string[] = [];
  for (const program of programs) {
    const folder = await folderOf(program, path);
    if (folder === null) hints.push(`${program} is not on PATH: steps run what they find there`);
    else hints.push(...shimHint(program, folder));
  }
  return hints;
}

/** Ways to the network that a person needs here, and that steps do not inherit. */
const NETWORK = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
];
/** Where steps see what is there: the certificates of the system. */
const SEEN = /^\/(etc\/(ssl|pki|ca-certificates)|usr)\/[\w./-]+$/;

/**
 * Settings for a plan's programs that fetch something, where a company's certificates stand between this machine and
 * its registries: Node has certificates of its own and needs to be told. Others read those of the system.
 */
export function networkEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  const file = environment['NODE_EXTRA_CA_CERTS'] ?? '';
  return SEEN.test(file) ? { NODE_EXTRA_CA_CERTS: file } : {};
}

/** For a plan whose programs fetch something. Names only: a proxy's address may hold a password. */
export function networkHints(environment: Readonly<Record<string, string>>): string[] {
  const names = NETWORK.filter((name) => name in environment && !SEEN.test(environment[name]!));
  if (names.length === 0) return [];
  const [are, them] = names.length === 1 ? ['is', 'it'] : ['are', 'them'];
  return [
    `${names.join(', ')} ${are} set here, and steps do not inherit ${them}: where the plan's programs cannot fetch without, say so in \`env\` of \`integrate\``,
  ];
}

function shimHint(program: string, folder: string): string[] {
  const shim = SHIMS.find((known) => known.folder.test(folder));
  if (shim) {
    const settings = `SKEIN_STEP_PATH="${shim.real}:$PATH" SKEIN_STEP_READABLE="${shim.around}"`;
    return [
      `${program} comes from ${shim.name}, whose files steps cannot see; start it as: ${settings} skein up`,
    ];
  }
  if (!OTHER_SHIMS.test(folder) || !folder.startsWith(homedir())) return [];
  return [
    `${program} in ${folder} stands for a program elsewhere, which steps cannot see: name its folders in SKEIN_STEP_PATH and SKEIN_STEP_READABLE`,
  ];
}

async function folderOf(program: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return realpath(folder).catch(() => folder);
  }
  return null;
}
