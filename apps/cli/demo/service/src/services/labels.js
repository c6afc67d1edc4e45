'use strict';

const { store } = require('../store');

function print(id, done) {
  store.get(`parcel:${id}`, (err, parcel) => {
    if (err) return done(err);
    done(null, `${parcel.id} / ${parcel.to.toUpperCase()} / ${(parcel.grams / 1000).toFixed(1)} kg`);
  });
}

module.exports = { print };
