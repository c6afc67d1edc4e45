import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import pg from 'pg';
import { eventually, freshDatabase, freshNamespace, gitRepo, tempDir, testServers } from './index.ts';

describe('what integration specs start from', () => {
  it('an empty database of their own, in UTF-8, that can be dropped while in use', async () => {
    const database = await freshDatabase();
    const client = new pg.Client({ connectionString: database.adminUrl });
    const cut = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    const { rows } = await client.query<{ encoding: string; upper: string }>(
      "SELECT current_setting('server_encoding') AS encoding, upper('straße ü') AS upper",
    );
    expect(rows).toEqual([{ encoding: 'UTF8', upper: 'STRASSE Ü'.replace('SS', 'ß') }]);
    await database.drop();
    await cut;
  });

  it('a NATS with JetStream, and a namespace of their own', async () => {
    const { host, username, password } = new URL(testServers().natsUrl);
    const nc = await connect({ servers: host, user: username, pass: password });
    const jsm = await jetstreamManager(nc);
    const name = freshNamespace();
    await jsm.streams.add({ name, subjects: [`${name}.>`] });
    expect((await jsm.streams.info(name)).config.storage).toBe('file');
    await jsm.streams.delete(name);
    await nc.close();
  });

  it('a git repository that a person keeps working in', async () => {
    const repo = await gitRepo({ 'a.txt': 'one\n' });
    const sha = await repo.commit({ 'a.txt': null, 'b/c.sh': '#!/bin/sh\n' });
    expect(await repo.head()).toBe(sha);
    expect(await repo.files()).toEqual(['b/c.sh']);
    expect(await repo.show('main', 'a.txt')).toBeNull();
  });

  it('folders that go with the run, and waiting with a deadline', async () => {
    expect(await tempDir()).not.toBe(await tempDir());
    let tries = 0;
    expect(await eventually(() => (++tries < 3 ? null : 'there'))).toBe('there');
    await eventually(() => {
      tries += 1;
      expect(tries).toBeGreaterThan(6);
    });
    await expect(eventually(() => false, { timeoutMs: 30, what: 'a miracle' })).rejects.toThrow('a miracle');
  });
});
