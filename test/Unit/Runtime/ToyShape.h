/*===- ToyShape.h - sizes of the toy model, for C and C++ -------*- C++ -*-===*/
#ifndef DSV3_TEST_TOYSHAPE_H
#define DSV3_TEST_TOYSHAPE_H

enum ToyShape {
  toyHidden = 4,
  toyVocabulary = 16,
  toyLayers = 2,
  toyPageTokens = 4,
  toyMaxContext = 38,
  toyMaxPages = 10,
  toyPrefill = 8 /* most tokens of a step */
};

#endif
