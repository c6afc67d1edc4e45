'use strict';

const { store } = require('../store');

const CENTS_PER_KILO = 190;
const CENTS_BASE = 450;

function quote(id, done) {
  store.get(`parcel:${id}`, (err, parcel) => {
    if (err) return done(err);
    done(null, { parcel: id, cents: CENTS_BASE + Math.ceil(parcel.grams / 1000) * CENTS_PER_KILO });
  });
}

function issue(invoice, done) {
  store.put(`invoice:${invoice.parcel}`, { ...invoice, paid: false }, (err) => {
    if (err) return done(err);
    done(null, invoice.parcel);
  });
}

function pay(id, done) {
  store.get(`invoice:${id}`, (err, invoice) => {
    if (err) return done(err);
    const paid = { ...invoice, paid: true };
    store.put(`invoice:${id}`, paid, (err) => {
      if (err) return done(err);
      done(null, paid);
    });
  });
}

module.exports = { quote, issue, pay };
