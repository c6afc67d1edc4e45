'use strict';

const METRES_PER_GRAM = { lace: 8, sock: 4, bulky: 1.2 };

module.exports = { METRES_PER_GRAM };
