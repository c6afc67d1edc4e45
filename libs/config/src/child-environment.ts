import { type Environment, given } from './setting.ts';
import { declaredSettings } from './settings.ts';

/** What any program needs of its surroundings, and what decides how it reaches the network. */
const INHERITED = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'XDG_CACHE_HOME', 'XDG_DATA_HOME'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS'],
];

/**
 * The environment of our own programs that a launcher starts: the settings that were given and little else. A
 * model provider's key in the operator's shell, or NODE_OPTIONS, must not reach a worker by accident.
 */
export function childEnvironment(env: Environment = process.env): Record<string, string> {
  const ours = declaredSettings().map(({ setting }) => setting.env);
  const telemetry = Object.keys(env).filter((name) => name.startsWith('OTEL_'));
  const names = new Set([...INHERITED, ...ours, ...telemetry]);
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const value = given(env, name);
      return value === null ? [] : [[name, value]];
    }),
  );
}
