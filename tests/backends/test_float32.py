"""Every case in float32."""

from every_case import EveryCase


class TestFloat32(EveryCase):
    dtype, digits = "float32", 5
