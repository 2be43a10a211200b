"""The portal's forms: they check what was typed and make what an operation takes. None of them saves anything."""
