var sum = require('./sum.js');

module.exports = function mean(numbers) {
  return sum(numbers) / numbers.length;
};
