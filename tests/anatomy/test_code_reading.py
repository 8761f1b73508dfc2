"""What is read from generated code: against texts whose loops were counted by hand."""

from bench.anatomy import hlo_reading, inductor_reading, llvm_reading
from bench.backends import backends
from bench.backends.base import Tuning

N = 2000
COMPILED = ("torch-compile", "torch-compile-loop")
HLO = """HloModule jit_loop

%fused.0 (f32[2000], f32[2000], f32[]) -> f32[2000] {
  %p.0 = f32[2000]{0} parameter(0)
  %p.1 = f32[2000]{0} parameter(1)
  %p.2 = f32[] parameter(2)
  %b.0 = f32[2000]{0} broadcast(%p.2), dimensions={}
  %m.0 = f32[2000]{0} multiply(%p.0, %b.0)
  ROOT %s.0 = f32[2000]{0} subtract(%m.0, %p.1)
}

%body.0 ((s32[], f32[], f32[2000], f32[2000])) -> (s32[], f32[], f32[2000], f32[2000]) {
  %arg.0 = (s32[], f32[], f32[2000]{0}, f32[2000]{0}) parameter(0)
  %x.0 = f32[2000]{0} get-tuple-element(%arg.0), index=2
  %y.0 = f32[2000]{0} get-tuple-element(%arg.0), index=3
  %a.0 = f32[] get-tuple-element(%arg.0), index=1
  %zero.0 = f32[] constant(0)
  %r.0 = f32[2000]{0} fusion(%x.0, %y.0, %a.0), kind=kLoop, calls=%fused.0
  %sum.0 = f32[] reduce(%r.0, %zero.0), dimensions={0}, to_apply=%add.0
  %both.0 = (f32[], f32[2000]{0}) fusion(%r.0, %r.0), kind=kLoop, calls=%two.0
  %next.0 = f32[] subtract(%a.0, %sum.0)
  ROOT %out.0 = (s32[], f32[], f32[2000]{0}, f32[2000]{0}) tuple(%i.0, %next.0, %x.0, %y.0)
}

ENTRY %main.0 (f32[], f32[2000], f32[2000]) -> f32[] {
  %t.0 = (s32[], f32[], f32[2000]{0}, f32[2000]{0}) tuple(%i.1, %a.1, %x.1, %y.1)
  %w.0 = (s32[], f32[], f32[2000]{0}, f32[2000]{0}) while(%t.0), condition=%cond.0, body=%body.0
  ROOT %g.0 = f32[] get-tuple-element(%w.0), index=1
}
"""
INDUCTOR = """
cpp_fused_mul_sum_0 = async_compile.cpp_pybinding(['const float*'], r'''
extern "C"  void  kernel(float* in_out_ptr0,
                       const float* in_ptr0,
                       float* out_ptr0)
{
    {
        float tmp_acc0 = 0;
        for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2000L); x0+=static_cast<int64_t>(16L))
        {
            {
                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x0), 16);
                auto tmp1 = at::vec::Vectorized<float>::loadu(in_out_ptr0 + static_cast<int64_t>(x0), 16);
                auto tmp2 = tmp0 * tmp1;
                tmp2.store(in_out_ptr0 + static_cast<int64_t>(x0));
                tmp_acc0_vec = tmp_acc0_vec + tmp2;
            }
        }
        out_ptr0[static_cast<int64_t>(0L)] = static_cast<float>(tmp_acc0);
    }
    for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2000L); x0+=static_cast<int64_t>(1L))
    {
        auto tmp0 = in_ptr0[static_cast<int64_t>(x0)];
        out_ptr0[static_cast<int64_t>(x0)] = tmp0;
    }
    for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(3L); x0+=static_cast<int64_t>(1L))
    {
        out_ptr0[static_cast<int64_t>(x0)] = 0;
    }
}
''')
cpp_small_1 = async_compile.cpp_pybinding(['const float*'], r'''
extern "C"  void  kernel(const float* in_ptr0)
{
    auto tmp0 = in_ptr0[static_cast<int64_t>(0L)];
}
''')
        assert_size_stride(arg2_1, (2000, 3), (3, 1), 'input')
        assert_size_stride(arg0_1, (1, 3), (3, 1), 'input')
        buf1 = empty_strided_cpu((2000, 1), (1, 1), torch.float32)
        extern_kernels.mm(arg2_1, reinterpret_tensor(arg0_1, (3, 1), (1, 3), 0), out=buf1)
        extern_kernels.mm(unknown_9, arg2_1, out=buf7)
"""
LLVM = """
  %1 = fmul fast <8 x double> %x, %y
  %2 = fadd reassoc <8 x double> %1, %z
  %3 = call <4 x double> @llvm.fmuladd.v4f64(<4 x double> %a, <4 x double> %b, <4 x double> %c)
  %4 = fsub double %p, %q
  %5 = add <8 x i64> %i, %j
"""


def test_hlo_is_read_from_the_body_of_its_loop():
    found = hlo_reading.read(HLO, N)
    assert [(part.name, part.count, part.reads, part.writes) for part in found.parts] == [
        ("fusion of multiply, subtract", 1, 2, 1),
        ("reduce", 1, 1, 0),
        ("fusion of ", 1, 1, 1),
    ]
    assert (found.arrays, found.allocated, found.notes) == (6, 2, ["1 more on numbers and short arrays"])


def test_code_in_which_several_steps_are_written_is_told_by_the_step():
    assert inductor_reading.read(INDUCTOR, N, steps=4).arrays == 9 / 4


def test_a_loop_with_turns_of_several_steps_has_a_second_for_those_that_are_left():
    one, four = Tuning(), Tuning(unroll=4)
    written = {name: [backends()[name].steps_written(each) for each in (one, four)] for name in COMPILED}
    assert written == {"torch-compile": [1, 1], "torch-compile-loop": [1, 5]}


def test_inductor_is_read_loop_by_loop():
    found = inductor_reading.read(INDUCTOR, N)
    assert [(part.name, part.count, part.reads, part.writes) for part in found.parts] == [
        ("cpp_fused_mul_sum_0: vectorised, 1 sum", 1, 2, 1),
        ("cpp_fused_mul_sum_0: not vectorised", 1, 1, 1),
        ("mm, of a library", 1, 3, 1),
        ("mm, of a library", 1, None, None),
    ]
    assert not found.whole and found.arrays == 9
    assert found.notes == ["1 of 2 kernels have no loop over N"]


def test_of_another_size_there_is_no_loop():
    assert [part.name for part in inductor_reading.read(INDUCTOR, 1700).parts if "mm" not in part.name] == []
    assert hlo_reading.read(HLO, 4000).parts == []


def test_llvm_tells_how_many_numbers_it_takes_at_once():
    assert llvm_reading.widths(LLVM) == {8: 2, 4: 1, 1: 1}
    modules = {"loop": LLVM, "sums": "%4 = fadd float %p, %q", "copies": "ret void"}
    assert llvm_reading.summary(modules) == [
        "LLVM takes 8 numbers at once in loop",
        "LLVM takes one number at once in sums",
    ]
