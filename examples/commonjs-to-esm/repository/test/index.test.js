'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { describe } = require('../src/index.js');

test('describes a skein', () => {
  assert.equal(describe('/shelf/blue.yarn', 100, 'sock'), 'BLUE: 400 m');
});
