/**
 * Loaded into every child of `skein up` before its own program (`node --import`): when the launcher dies, however
 * it dies, the kernel closes the channel between them, and the child drains and ends as if it had been asked to.
 */
const LAST_WORDS_MS = 30_000;

if (process.channel) {
  process.once('disconnect', () => {
    process.kill(process.pid, 'SIGTERM');
    // A drain that hangs must not leave a child for ever.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS).unref();
  });
  // Listening must not keep a child alive that is done.
  process.channel.unref();
}

export {};
