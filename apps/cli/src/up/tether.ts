/**
 * Loaded into every child of `skein up` before its own program (`node --import`): when the launcher dies, however
 * it dies, the kernel closes the channel between them, and the child drains and ends as if it had been asked to.
 */
const LAST_WORDS_MS = 30_000;

if (process.channel) {
  process.once('disconnect', () => {
    // A child at its end may close the channel itself: it is gone before this fires.
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50).unref();
    // A drain that hangs must not leave a child for ever.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS).unref();
  });
  // Listening must not keep a child alive that is done.
  process.channel.unref();
}

export {};
