import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunSpec } from '../run-spec.ts';
import { composeEnvironment, markerEnvironment, newMarker } from './environment.ts';
import { BEGIN, type Launch, fileBlocks } from './launch.ts';
import type { Scratch } from './scratch.ts';

export interface ShellRequest {
  spec: RunSpec;
  scratch: Scratch;
  path: string;
  lang: string;
}

/** No namespace: a session of its own and a marker to find its descendants by. */
export async function launchAsProcess(request: ShellRequest): Promise<Launch> {
  const marker = newMarker();
  const script = await writeScript(request, marker);
  const args = [script, fileBlocks(request.spec.limits.diskBytes), ...request.spec.argv];
  return {
    ...{ file: '/bin/sh', args, env: markerEnvironment(marker), cwd: request.spec.cwd, argumentsFile: null },
    ...{ namespace: false, marker },
  };
}

/** unshare(1): own processes, mounts and user. */
export async function launchInNamespace(request: ShellRequest & { unshare: string }): Promise<Launch> {
  const marker = newMarker();
  const script = await writeScript(request, marker);
  // For plain users their own id; root gets one that programs do not take for root (tar would try to chown).
  const uid = process.getuid?.() || 1_000;
  const gid = process.getgid?.() || 1_000;
  const args = [
    ...['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ...[
      '/bin/sh',
      '-c',
      FIRST_PROCESS,
      'skein-init',
      request.unshare,
      String(uid),
      String(gid),
      request.scratch.etc,
    ],
    ...[script, fileBlocks(request.spec.limits.diskBytes), ...request.spec.argv],
  ];
  return {
    ...{
      file: request.unshare,
      args,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...markerEnvironment(marker) },
      cwd: request.spec.cwd,
    },
    ...{ argumentsFile: null, namespace: true, marker },
  };
}

/**
 * The first process of the namespace, still root in it: closes what a worker that is root could be harmed by
 * through /proc, lets the program's user have a name, and gives up its rights in a second user namespace. It stays
 * as parent of orphans, and its end is the end of all. What cannot be mounted is left: this kind promises no view.
 * Its own standard error is shut before the end: shells report there that a child was killed.
 */
const FIRST_PROCESS = `unshare=$1 uid=$2 gid=$3 etc=$4; shift 4
for path in /proc/sys /proc/sysrq-trigger; do
  [ -e "$path" ] && mount --bind "$path" "$path" && mount -o remount,bind,ro "$path"
done >/dev/null 2>&1
if [ "$uid" = 1000 ] && ! grep -q '^[^:]*:[^:]*:1000:' /etc/passwd; then
  mount --bind "$etc/passwd" /etc/passwd; mount --bind "$etc/group" /etc/group
fi >/dev/null 2>&1
exec 3>&2 2>/dev/null
(exec "$unshare" --user --map-user="$uid" --map-group="$gid" /bin/sh "$@" 2>&3 3>&-)
exit $?`;

/** The program's environment is in a file and not in an argument: arguments are for every user of the host to see. */
async function writeScript(request: ShellRequest, marker: string): Promise<string> {
  const { spec, scratch } = request;
  const own = {
    PATH: request.path,
    LANG: request.lang,
    HOME: spec.home ?? scratch.home,
    TMPDIR: scratch.tmp,
  };
  const env = { ...composeEnvironment(own, spec.env), ...markerEnvironment(marker) };
  const exports = Object.entries(env).map(
    ([key, text]) => `export ${key}='${text.replaceAll("'", `'\\''`)}'\n`,
  );
  const script = join(scratch.dir, 'begin.sh');
  await writeFile(script, `unset OLDPWD\n${exports.join('')}${BEGIN}\n`, { mode: 0o600 });
  return script;
}
