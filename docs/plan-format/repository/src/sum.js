var add = require('./add.js');

module.exports = function sum(numbers) {
  return numbers.reduce(add, 0);
};
