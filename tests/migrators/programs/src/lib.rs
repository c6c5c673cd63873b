//! Applications in other languages: there is nothing here but the tests of their migrations.
