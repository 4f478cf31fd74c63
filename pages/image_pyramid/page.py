"""The image pyramid: one window slid over every size of a photo, what that costs, and what came before and after."""

from pages.image_pyramid import challenges, costs, faces, finders, levels, myths, search, state, stepper
from pages.kit.ending import Shown, end_page
from pages.kit.page import open_page
from vizcore import image_pyramid
from vizcore.data.script import write_photo
from vizcore.image_pyramid.script import write_sliding_window_script

page = open_page(
    "image_pyramid",
    title="Image pyramid",
    tagline="Press play: one window, always of the same size, is slid over ever smaller copies of the photo.",
)
_ = page.translate
with page.explained():
    view = state.read(page)
    found = search.show(page, view)
    step = stepper.show(page, view, found)
    levels.show(page, found)
    measured_place = costs.show(page, view, found)
    searched = finders.show(page, view)
    myths.show(page, view, found)
    # What takes time comes last, in the places left for it: everything else is on the screen by then.
    measured = costs.measure(page, view, found, measured_place)
    finders.show_cards(page, found, searched, measured)
    faces.show(page, view, found, searched)
    finders.show_shared(page, view, searched)
    end_page(
        page,
        Shown(
            script=write_sliding_window_script(
                write_photo(None if view.picture.is_own else view.picture.name),
                label=found.label,
                class_name=state.CLASSES[found.label],
                scale_step=view.scale_step,
                num_levels=view.num_levels,
                window_stride=view.window_stride,
                score_threshold=view.score_threshold,
                iou_threshold=view.iou_threshold,
                fusion_steps=view.fusion_steps,
            ),
            rows=lambda: image_pyramid.level_rows(found.trace, found.cost, measured.seconds),
            name="grad2box-image-pyramid",
        ),
        challenges=challenges.of(
            page,
            challenges.Outcome(
                view,
                found.trace,
                found.cost.ratios["counted"],
                step,
                searched.cascade.boxes,
                searched.hog[1].boxes if searched.hog is not None else None,
            ),
        ),
        sections={"dense": _("One pass for all windows of a level")},
    )
