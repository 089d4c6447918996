//! What a tool still has to do once its answer was handed over.

use std::cell::RefCell;

use crate::{Context, Refusal};

type Work = Box<dyn FnOnce() -> Result<(), Refusal>>;

/// Works that wait for the answer to be handed over.
#[derive(Default)]
pub(crate) struct Deliveries(RefCell<Vec<Work>>);

impl std::fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Deliveries({})", self.0.borrow().len())
    }
}

impl Context {
    /// Keeps `work` until the answer was written whole to standard output by a run that ends with 0: only then does an
    /// agent read it. When writing fails, or the process is killed before, `work` is not done. Its own failure becomes a
    /// line on standard error.
    pub fn after_delivery(&self, work: impl FnOnce() -> Result<(), Refusal> + 'static) {
        self.deliveries.0.borrow_mut().push(Box::new(work));
    }

    /// Does what [`Context::after_delivery`] kept, in its order; the refusals come back. Called by the frame, and by
    /// tests in its place.
    pub fn delivered(&self) -> Vec<Refusal> {
        self.deliveries.0.take().into_iter().filter_map(|work| work().err()).collect()
    }

    /// Drops what [`Context::after_delivery`] kept: for who puts another answer in the place of the one it belongs to.
    pub fn undelivered(&self) {
        self.deliveries.0.take();
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn each_work_is_done_once_or_dropped() {
        let context = Context::process();
        let done = Rc::new(RefCell::new(Vec::new()));
        let add = |number: i32| {
            let done = Rc::clone(&done);
            context.after_delivery(move || {
                done.borrow_mut().push(number);
                if number == 2 { Err(Refusal::new("two")) } else { Ok(()) }
            });
        };
        add(0);
        context.undelivered();
        add(1);
        add(2);
        add(3);
        assert_eq!(context.delivered().iter().map(ToString::to_string).collect::<Vec<_>>(), ["two"]);
        assert!(context.delivered().is_empty());
        assert_eq!(*done.borrow(), [1, 2, 3]);
    }
}
