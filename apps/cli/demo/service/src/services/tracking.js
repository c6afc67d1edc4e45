'use strict';

const { store } = require('../store');

const WORDS = {
  registered: 'We have it in our books.',
  moving: 'It is on its way.',
  delivered: 'It has arrived.',
};

function explain(id, done) {
  store.get(`parcel:${id}`, (err, parcel) => {
    if (err) return done(err);
    done(null, { id, text: WORDS[parcel.state] ?? 'Please call us.' });
  });
}

function deliver(id, done) {
  store.get(`parcel:${id}`, (err, parcel) => {
    if (err) return done(err);
    const delivered = { ...parcel, state: 'delivered' };
    store.put(`parcel:${id}`, delivered, (err) => {
      if (err) return done(err);
      done(null, delivered);
    });
  });
}

module.exports = { explain, deliver };
