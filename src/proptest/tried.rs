//! Values that are generated and tried until one passes.

use std::fmt;
use std::sync::Arc;

use ::proptest::strategy::{NewTree, Strategy, ValueTree};
use ::proptest::test_runner::{Reason, TestRunner};

/// Says what becomes of something generated, or why it does not pass.
type Try<G, P> = Arc<dyn Fn(G) -> Result<P, String>>;

/// Returns the first of at most `most` things generated that passes, in a tree in which only what passes is ever current; else
/// the reason, made of why the last did not pass.
pub(super) fn first<S, P>(
    generated: &S,
    most: usize,
    runner: &mut TestRunner,
    try_it: Try<S::Value, P>,
    none: impl FnOnce(&str) -> String,
) -> Result<Box<dyn ValueTree<Value = P>>, Reason>
where
    S: Strategy,
    S::Tree: 'static,
    P: Clone + fmt::Debug + 'static,
{
    let mut why = String::new();
    for _ in 0..most {
        let tree: <S as Strategy>::Tree = next(generated, runner)?;
        match try_it(tree.current()) {
            Ok(passed) => return Ok(Box::new(Tried { tree, passed, try_it })),
            Err(refusal) => why = refusal,
        }
    }
    Err(none(&why).into())
}

fn next<S: Strategy>(generated: &S, runner: &mut TestRunner) -> NewTree<S> {
    generated.new_tree(runner)
}

struct Tried<T: ValueTree, P> {
    tree: T,
    /// The outcome for the value that last passed.
    passed: P,
    try_it: Try<T::Value, P>,
}

impl<T: ValueTree, P> Tried<T, P> {
    /// Goes back to something that passes.
    fn settle(&mut self) -> bool {
        loop {
            if let Ok(passed) = (self.try_it)(self.tree.current()) {
                self.passed = passed;
                return true;
            }
            if !self.tree.complicate() {
                return false;
            }
        }
    }
}

impl<T: ValueTree, P: Clone + fmt::Debug> ValueTree for Tried<T, P> {
    type Value = P;

    fn current(&self) -> P {
        self.passed.clone()
    }

    fn simplify(&mut self) -> bool {
        self.tree.simplify() && self.settle()
    }

    fn complicate(&mut self) -> bool {
        self.tree.complicate() && self.settle()
    }
}
