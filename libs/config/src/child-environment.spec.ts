import { childEnvironment } from './child-environment.ts';

describe('the environment of our own programs', () => {
  it('has the given settings, secrets too, and what finds programs', () => {
    const env = {
      PATH: '/bin',
      HOME: '/root',
      SKEIN_GIT_TOKEN: 't',
      SKEIN_PORT: '1',
      OTEL_SERVICE_NAME: 's',
    };
    expect(childEnvironment(env)).toEqual(env);
  });

  it('has nothing else of the shell', () => {
    const env = {
      ANTHROPIC_API_KEY: 'k',
      NODE_OPTIONS: '--inspect',
      LD_PRELOAD: 'x',
      SKEIN_TYPO: '1',
      npm_config_x: '1',
    };
    expect(childEnvironment(env)).toEqual({});
  });
});
