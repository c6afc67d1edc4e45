export { DURATION, parseDuration } from '#domain';
